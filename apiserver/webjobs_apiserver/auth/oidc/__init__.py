"""Login by OpenID Connect: the authorization code flow with PKCE, whose ID token names a user of Kubernetes."""
