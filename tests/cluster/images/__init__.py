"""Images for clusters without a registry: by a container engine, or put together here."""
