{{- /* Before the names of all objects. */}}
{{- define "webjobs.name" -}}
{{- $name := .Release.Name }}
{{- with .Values.nameOverride }}{{ if not (contains . $name) }}{{ $name = printf "%s-%s" $name . }}{{ end }}{{ end }}
{{- .Values.fullnameOverride | default $name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- /* An image with global.imageRegistry in place of its own registry. A list of root and the image. */}}
{{- define "webjobs.mirrored" -}}
{{- $root := index . 0 }}{{ $image := index . 1 }}
{{- with dig "imageRegistry" "" ($root.Values.global | default dict) }}
{{- $parts := splitList "/" $image }}{{ $first := first $parts }}
{{- if eq (len $parts) 1 }}{{ $parts = list "library" $image }}   {{- /* Docker Hub's short names */}}
{{- else if or (contains "." $first) (contains ":" $first) (eq $first "localhost") }}{{ $parts = rest $parts }}
{{- end }}
{{- $image = printf "%s/%s" (trimSuffix "/" .) (join "/" $parts) }}
{{- end }}
{{- $image -}}
{{- end }}

{{- define "webjobs.image" -}}
{{- $image := .Values.image }}
{{- $version := ternary (printf "@%s" $image.digest) (printf ":%s" ($image.tag | default .Chart.AppVersion)) (not (empty $image.digest)) }}
{{- include "webjobs.mirrored" (list . (printf "%s%s" $image.repository $version)) -}}
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
{{- range $version, $name := $one.versions }}
{{- if $name }}{{ $_ := set $versions $version (include "webjobs.mirrored" (list $root $name)) }}{{ end }}
{{- end }}
{{- if $image }}
{{- $_ := set $found $kind (dict "image" (include "webjobs.mirrored" (list $root $image)) "versions" $versions) }}
{{- end }}
{{- end }}
{{- end }}
{{- $found | toJson -}}
{{- end }}

{{- /* JSON of the images that have several runtimes. */}}
{{- define "webjobs.combinedRuntimes" -}}
{{- $root := . }}{{ $found := list }}
{{- range .Values.combinedRuntimes }}
{{- $found = append $found (dict "runtimes" .runtimes "image" (include "webjobs.mirrored" (list $root .image))) }}
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
{{- range include "webjobs.combinedRuntimes" . | fromJsonArray }}{{ $own = append $own .image }}{{ end }}
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
{{- include "webjobs.labelsWith" (list . dict) -}}
{{- end }}

{{- /* Labels of an object, with those that values say for its kind. A list of root and these. */}}
{{- define "webjobs.labelsWith" -}}
{{- $root := index . 0 }}
{{- $own := dict "app.kubernetes.io/name" ($root.Values.nameOverride | default $root.Chart.Name) }}
{{- $_ := set $own "app.kubernetes.io/part-of" "webjobs" }}
{{- $_ := set $own "app.kubernetes.io/instance" $root.Release.Name }}
{{- $_ := set $own "app.kubernetes.io/managed-by" $root.Release.Service }}
{{- $_ := set $own "app.kubernetes.io/version" ($root.Chart.AppVersion | replace "+" "_") }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") }}
{{- merge $own (index . 1 | default dict) ($root.Values.commonLabels | default dict) | toYaml -}}
{{- end }}

{{- /* Labels by which the pods of a component are found. They can't be changed: a Deployment keeps its selector for good.
A dict of root and component, as for all below that are of a component. */}}
{{- define "webjobs.selector" -}}
app.kubernetes.io/part-of: webjobs
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* JSON of a ServiceAccount's name. */}}
{{- define "webjobs.serviceAccountName" -}}
{{- $account := (index .root.Values .component).serviceAccount }}
{{- if not (or $account.create $account.name) }}
{{- fail (printf "%s.serviceAccount.name: the chart makes no account (create is false), so name the one that is there. With that of the namespace (default) every pod there would have its rights." .component) }}
{{- end }}
{{- $account.name | default (printf "%s-%s" (include "webjobs.name" .root) .component) -}}
{{- end }}

{{- define "webjobs.serviceAccount" -}}
{{- $account := (index .root.Values .component).serviceAccount }}
{{- if $account.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "webjobs.serviceAccountName" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "webjobs.labels" .root | nindent 4 }}
  {{- with mergeOverwrite (deepCopy (.root.Values.store.serviceAccountAnnotations | default dict)) ($account.annotations | default dict) }}
  annotations: {{ toJson . }}
  {{- end }}
---
{{- end }}
{{- end }}

{{- /* Metadata of a Deployment, without its name. */}}
{{- define "webjobs.deploymentMetadata" -}}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "webjobs.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
{{- with (index .root.Values .component).deploymentAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Labels of the pods of a component; those by which they are found win. */}}
{{- define "webjobs.podLabels" -}}
{{- $asked := merge dict ((index .root.Values .component).podLabels | default dict) (.root.Values.store.podLabels | default dict) }}
{{- $labels := include "webjobs.labelsWith" (list .root $asked) | fromYaml }}
{{- merge (include "webjobs.selector" . | fromYaml) $labels | toYaml -}}
{{- end }}

{{- /* JSON of the tolerations of a component: what values say, and for how long a node may be lost. */}}
{{- define "webjobs.tolerations" -}}
{{- $own := index .root.Values .component }}{{ $found := $own.tolerations | default list }}
{{- $known := list }}{{ range $found }}{{ $known = append $known .key }}{{ end }}
{{- if not (kindIs "invalid" $own.nodeLossSeconds) }}
{{- range $key := list "node.kubernetes.io/not-ready" "node.kubernetes.io/unreachable" }}
{{- if not (has $key $known) }}
{{- $found = append $found (dict "key" $key "operator" "Exists" "effect" "NoExecute" "tolerationSeconds" $own.nodeLossSeconds) }}
{{- end }}
{{- end }}
{{- end }}
{{- $found | toJson -}}
{{- end }}

{{- /* Not empty when operator and shim have to be on one node, where their volume is. */}}
{{- define "webjobs.oneNode" -}}
{{- if and (include "webjobs.local" .) (has "ReadWriteOnce" .Values.store.persistence.accessModes) }}true{{ end }}
{{- end }}

{{- /* JSON of the affinity of a component: what values say, and for the shim the operator's node where it must be. */}}
{{- define "webjobs.affinity" -}}
{{- $found := deepCopy ((index .root.Values .component).affinity | default dict) }}
{{- if and (eq .component "apiserver") (include "webjobs.oneNode" .root) }}
{{- $selector := include "webjobs.selector" (dict "root" .root "component" "operator") | fromYaml }}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" $selector) }}
{{- $pods := $found.podAffinity | default dict }}
{{- $_ := set $pods "requiredDuringSchedulingIgnoredDuringExecution" (append ($pods.requiredDuringSchedulingIgnoredDuringExecution | default list) $term) }}
{{- $_ := set $found "podAffinity" $pods }}
{{- end }}
{{- $found | toJson -}}
{{- end }}

{{- /* Not empty when the shim has several pods that may be on several nodes. */}}
{{- define "webjobs.severalNodes" -}}
{{- if and (gt (int .Values.apiserver.replicas) 1) (not (include "webjobs.oneNode" .)) }}true{{ end }}
{{- end }}

{{- /* JSON of the topologySpreadConstraints of a component: those without a selector are about its own pods. Where values
have none, replicas of the shim are spread over nodes, new ones of a rolling update among themselves. */}}
{{- define "webjobs.spread" -}}
{{- $selector := dict "matchLabels" (include "webjobs.selector" . | fromYaml) }}{{ $found := list }}
{{- $asked := (index .root.Values .component).topologySpreadConstraints | default list }}
{{- if and (not $asked) (eq .component "apiserver") .root.Values.apiserver.spreadOverNodes (include "webjobs.severalNodes" .root) }}
{{- $node := dict "topologyKey" "kubernetes.io/hostname" "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway" }}
{{- $asked = list (set $node "matchLabelKeys" (list "pod-template-hash")) }}
{{- end }}
{{- range $asked }}
{{- $one := deepCopy . }}
{{- if not $one.labelSelector }}{{ $_ := set $one "labelSelector" $selector }}{{ end }}
{{- $found = append $found $one }}
{{- end }}
{{- $found | toJson -}}
{{- end }}

{{- /* What the pods of both components have in their spec alike. */}}
{{- define "webjobs.podSpec" -}}
{{- $own := index .root.Values .component -}}
serviceAccountName: {{ include "webjobs.serviceAccountName" . }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $own.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with include "webjobs.tolerations" . | fromJsonArray }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "webjobs.affinity" . | fromJson }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "webjobs.spread" . | fromJsonArray }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext: {{- include "webjobs.podSecurity" .root | nindent 2 }}
{{- end }}

{{- /* What the containers of both components have alike, but for what runs in them. */}}
{{- define "webjobs.container" -}}
{{- $own := index .root.Values .component -}}
image: {{ include "webjobs.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
env:
  - {name: LOG_LEVEL, value: {{ $own.logLevel }}}
  - {name: MALLOC_ARENA_MAX, value: "2"}   # the store's threads would keep freed memory in many arenas
  {{- with $own.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.store.envFrom }}
envFrom: {{ toJson . }}
{{- end }}
resources: {{ toJson $own.resources }}
securityContext: {{- include "webjobs.containerSecurity" .root | nindent 2 }}
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

{{- /* Where a component's container finds the store, a place to write, and what values bring. */}}
{{- define "webjobs.mounts" -}}
{{- if include "webjobs.local" .root }}
- {name: store, mountPath: {{ trimPrefix "file://" .root.Values.store.url | quote }}}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- with (index .root.Values .component).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "webjobs.volumes" -}}
{{- if include "webjobs.local" .root }}
- name: store
  persistentVolumeClaim: {claimName: {{ include "webjobs.claim" .root }}}
{{- end }}
- {name: tmp, emptyDir: {}}
{{- with (index .root.Values .component).extraVolumes }}
{{ toYaml . }}
{{- end }}
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
