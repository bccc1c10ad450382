{{- /* The settings of both processes, as YAML. The pods start anew when they change. */}}

{{- define "webjobs.operatorConfig" -}}
namespaces: {{ toJson .Values.namespaces }}
sites: {{ include "webjobs.namedSites" . }}
storeUrl: {{ toJson .Values.store.url }}
{{- if .Values.store.garbageCollection.enabled }}
packageGraceHours: {{ .Values.store.garbageCollection.graceHours }}
collectionPeriodMinutes: {{ .Values.store.garbageCollection.periodMinutes }}
{{- end }}
image: {{ include "webjobs.image" . | toJson }}
packageUrl: http://{{ include "webjobs.name" . }}-apiserver.{{ .Release.Namespace }}.svc:{{ .Values.apiserver.service.port }}
imagePullPolicy: {{ .Values.jobs.imagePullPolicy }}
attach: {{ .Values.attach.enabled }}
limits: {{ include "webjobs.limits" . }}
warm: {{ toJson (merge (dict "requests" (include "webjobs.waitingRequests" . | fromJson)) (omit .Values.warm "requests")) }}
jobRetentionSeconds: {{ .Values.jobs.retentionSeconds }}
historyObjects: {{ .Values.jobs.historyObjects }}
queuedRuns: {{ .Values.apiserver.limits.queuedRuns }}
runtimes: {{ include "webjobs.runtimes" . }}
combinedRuntimes: {{ include "webjobs.combinedRuntimes" . }}
preferWindowsNodes: {{ .Values.preferWindowsNodes }}
resources: {{ toJson .Values.jobs.resources }}
podSecurityContext: {{ include "webjobs.jobSecurity" . }}
containerSecurityContext: {{ toJson .Values.jobs.containerSecurityContext }}
{{- end }}

{{- define "webjobs.apiserverConfig" -}}
namespace: {{ include "webjobs.site" . }}
site: {{ .Values.site.name | default (include "webjobs.site" .) | toJson }}
sites: {{ toJson .Values.sites }}
domain: {{ toJson .Values.domain }}
credentialsSecret: {{ toJson .Values.sitesSecret }}
storeUrl: {{ toJson .Values.store.url }}
credentialsDirectory: /etc/webjobs-credentials
port: 8080
{{- if .Values.apiserver.tls.secretName }}
tls: {directory: /etc/webjobs-tls, port: 8443}
{{- end }}
forwardedAllowIps: {{ toJson .Values.apiserver.trustedProxies }}
limits: {{ toJson .Values.apiserver.limits }}
jobLimits: {{ include "webjobs.limits" . }}
hooks: {{ toJson .Values.apiserver.hooks }}
packageUri: {{ toJson .Values.apiserver.packageUri }}
connections: {{ toJson .Values.apiserver.connections }}
kragle: {{ toJson .Values.kragle }}
ui: {{ include "webjobs.ui" . }}
{{- end }}
