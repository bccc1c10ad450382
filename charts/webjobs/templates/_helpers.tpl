{{- define "webjobs.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "webjobs.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* JSON of the images of runtimes, by kind; those of this release where values name none. */}}
{{- define "webjobs.runtimes" -}}
{{- $root := . }}{{ $found := dict }}
{{- range $kind, $one := .Values.runtimes }}
{{- if $one }}
{{- $image := $one.image }}
{{- if and (not $image) (has $kind (list "mono" "wine")) }}
{{- $image = printf "%s-%s:%s" $root.Values.image.repository $kind ($root.Values.image.tag | default $root.Chart.AppVersion) }}
{{- end }}
{{- $versions := dict }}
{{- range $version, $name := $one.versions }}{{ if $name }}{{ $_ := set $versions $version $name }}{{ end }}{{ end }}
{{- if $image }}{{ $_ := set $found $kind (dict "image" $image "versions" $versions) }}{{ end }}
{{- end }}
{{- end }}
{{- $found | toJson -}}
{{- end }}

{{- define "webjobs.site" -}}
{{ required "site.namespace: name the namespace of the default site's WebJobs (it was the release's own when empty)" .Values.site.namespace }}
{{- end }}

{{- /* JSON of what WebJobs may ask for, for operator and shim alike. */}}
{{- define "webjobs.limits" -}}
{{- $own := list (include "webjobs.image" .) }}
{{- range include "webjobs.runtimes" . | fromJson }}{{ $own = concat $own (list .image) (values .versions) }}{{ end }}
{{- range .Values.combinedRuntimes }}{{ $own = append $own .image }}{{ end }}
{{- $refused := list "kube-system" "kube-public" "kube-node-lease" }}
{{- if not .Values.allowReleaseNamespace }}{{ $refused = append $refused .Release.Namespace }}{{ end }}
{{- $limits := pick .Values.limits "images" "serviceAccounts" "podTemplate" "fromDeployment" }}
{{- merge (dict "ownImages" ($own | uniq | sortAlpha) "refusedNamespaces" $refused) $limits | toJson -}}
{{- end }}

{{- /* JSON of the namespaces of all sites, the default one first. */}}
{{- define "webjobs.sites" -}}
{{- $found := list (include "webjobs.site" .) }}
{{- range .Values.sites }}{{ $found = append $found .namespace }}{{ end }}
{{- $found | uniq | toJson -}}
{{- end }}

{{- /* JSON of what processes are told of their sites, by namespace. */}}
{{- define "webjobs.namedSites" -}}
{{- $root := . }}{{ $own := include "webjobs.site" . }}
{{- $found := dict $own (dict "name" (.Values.site.name | default $own) "host" .Values.site.host) }}
{{- range .Values.sites }}
{{- $host := dig "host" "" . | default (ternary (printf "%s.%s" .namespace $root.Values.domain) "" (not (empty $root.Values.domain))) }}
{{- $_ := set $found .namespace (dict "name" .namespace "host" $host) }}
{{- end }}
{{- $found | toJson -}}
{{- end }}

{{- /* Not empty when this release makes an object: there is none, or it made the one that is there. */}}
{{- define "webjobs.mayMake" -}}
{{- $root := index . 0 }}{{ $there := index . 1 | default dict }}
{{- $by := printf "%s/%s" $root.Release.Namespace $root.Release.Name }}
{{- $notes := dig "metadata" "annotations" dict $there }}
{{- $owner := printf "%s/%s" (dig "meta.helm.sh/release-namespace" "" $notes) (dig "meta.helm.sh/release-name" "" $notes) }}
{{- if or (empty $there) (eq $owner $by) }}true{{ end }}
{{- end }}

{{- define "webjobs.secret" -}}
{{ .Values.credentials.existingSecret | default (printf "%s-credentials" (include "webjobs.name" .)) }}
{{- end }}

{{- /* In base64, of a value and what the cluster has: the value, else what is there, else a new one. */}}
{{- define "webjobs.password" -}}
{{ with index . 0 }}{{ . | b64enc }}{{ else }}{{ index . 1 | default (randAlphaNum 40 | b64enc) }}{{ end }}
{{- end }}

{{- define "webjobs.claim" -}}
{{ .Values.store.persistence.existingClaim | default (printf "%s-store" (include "webjobs.name" .)) }}
{{- end }}

{{- define "webjobs.labels" -}}
app.kubernetes.io/part-of: webjobs
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "webjobs.selector" -}}
app.kubernetes.io/part-of: webjobs
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* JSON of the user and group ids of all pods; empty where the platform chooses them. */}}
{{- define "webjobs.ids" -}}
{{- $id := .Values.runAsUser }}
{{- ternary dict (dict "runAsUser" $id "runAsGroup" 65532 "fsGroup" 65532) (kindIs "invalid" $id) | toJson -}}
{{- end }}

{{- /* JSON of the security context of jobs' pods. */}}
{{- define "webjobs.jobSecurity" -}}
{{- $context := deepCopy (.Values.jobs.podSecurityContext | default dict) }}
{{- range $name, $id := include "webjobs.ids" . | fromJson }}
{{- if not (hasKey $context $name) }}{{ $_ := set $context $name $id }}{{ end }}
{{- end }}
{{- toJson $context -}}
{{- end }}

{{- define "webjobs.podSecurity" -}}
runAsNonRoot: true
{{- range $name, $id := include "webjobs.ids" . | fromJson }}
{{ $name }}: {{ int64 $id }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "webjobs.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "webjobs.local" -}}
{{- if hasPrefix "file://" .Values.store.url }}true{{ end }}
{{- end }}

{{- define "webjobs.storeMount" -}}
{{- if include "webjobs.local" . }}
- {name: store, mountPath: {{ trimPrefix "file://" .Values.store.url | quote }}}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "webjobs.storeVolume" -}}
{{- if include "webjobs.local" . }}
- name: store
  persistentVolumeClaim: {claimName: {{ include "webjobs.claim" . }}}
{{- end }}
- {name: tmp, emptyDir: {}}
{{- end }}

{{/* JSON of what a pod requests at most while it waits for a run: nothing where Kubernetes can't resize pods. */}}
{{- define "webjobs.waitingRequests" -}}
{{- ternary (.Values.warm.requests | default dict) dict (semverCompare ">=1.33-0" .Capabilities.KubeVersion.Version) | toJson -}}
{{- end }}

{{- /* JSON of the host names of all sites that have one of their own. */}}
{{- define "webjobs.hosts" -}}
{{- $found := list }}{{ $domain := .Values.domain }}
{{- with $domain }}{{ $found = append $found (printf "%s.%s" (include "webjobs.site" $) .) }}{{ end }}
{{- range .Values.sites }}
{{- if or .host $domain }}{{ $found = append $found (.host | default (printf "%s.%s" .namespace $domain)) }}{{ end }}
{{- end }}
{{- $found | uniq | toJson -}}
{{- end }}

{{- /* JSON of the Secrets of the login by OpenID Connect, by the names of their volumes. */}}
{{- define "webjobs.oidcSecrets" -}}
{{- $oidc := .Values.apiserver.ui.oidc }}{{ $found := dict }}
{{- if and .Values.apiserver.ui.enabled $oidc.issuer }}
{{- with $oidc.clientSecret }}{{ $_ := set $found "oidc-client" . }}{{ end }}
{{- with $oidc.caSecret }}{{ $_ := set $found "oidc-ca" . }}{{ end }}
{{- end }}
{{- $found | toJson -}}
{{- end }}

{{- /* JSON of the dashboard's settings. */}}
{{- define "webjobs.ui" -}}
{{- $ui := dict "enabled" .Values.apiserver.ui.enabled }}
{{- $oidc := .Values.apiserver.ui.oidc }}
{{- if and $ui.enabled $oidc.issuer }}
{{- if not $oidc.clientId }}
{{- fail "apiserver.ui.oidc.clientId: an issuer is set, and knows the dashboard by this name" }}
{{- end }}
{{- $made := omit $oidc "clientSecret" "caSecret" }}
{{- if $oidc.clientSecret }}{{ $_ := set $made "clientSecretFile" "/etc/webjobs-oidc-client/clientSecret" }}{{ end }}
{{- if $oidc.caSecret }}{{ $_ := set $made "caFile" "/etc/webjobs-oidc-ca/ca.crt" }}{{ end }}
{{- $_ := set $ui "oidc" $made }}
{{- end }}
{{- $ui | toJson -}}
{{- end }}

{{- /* JSON of the prefixes of all paths that clients ask for. Not /internal, which is for pods. */}}
{{- define "webjobs.paths" -}}
{{- $found := list "/api" "/jobs" }}
{{- /* Kudu's spellings without /api. */}}
{{- $found = concat $found (list "/vfs" "/zip" "/logstream" "/logs" "/settings" "/hooks") }}
{{- $found = concat $found (list "/zipdeploy" "/publish" "/deployments" "/isdeploying") }}
{{- $found = concat $found (list "/environment" "/scm" "/diagnostics" "/dump") }}
{{- /* Azure Resource Manager's, for Azure's own SDKs and CLI; then the shim's own description. */}}
{{- $found = concat $found (list "/subscriptions" "/metadata/endpoints" "/adfs" "/docs" "/openapi.json") }}
{{- if .Values.apiserver.ui.enabled }}{{ $found = concat $found (list "/ui" "/azurejobs") }}{{ end }}
{{- $found | toJson -}}
{{- end }}

{{- /* Fail when clients could not use a way in. A dict of root, name (of the values), hosts. */}}
{{- define "webjobs.wayIn" -}}
{{- if not .hosts }}
{{- fail (printf "apiserver.%s: there is no host name. Name some there, or give the sites names by domain or sites[].host." .name) }}
{{- end }}
{{- if .root.Values.apiserver.tls.secretName }}
{{- fail (printf "apiserver.%s.enabled, apiserver.tls.secretName: the shim with a certificate serves clients by https only, and would be asked in clear. Use one of the two." .name) }}
{{- end }}
{{- end }}

{{- /* Not empty when the addresses of proxies are given: else URLs in answers have the scheme by which the shim is asked. */}}
{{- define "webjobs.trusts" -}}
{{- if without .Values.apiserver.trustedProxies "127.0.0.1" }}true{{ end }}
{{- end }}
