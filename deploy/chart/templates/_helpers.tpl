{{- define "plimsoll.name" -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "plimsoll.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "plimsoll.selector" -}}
app.kubernetes.io/name: plimsoll
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* The server's pods, and not the Job's. */}}
{{- define "plimsoll.server" -}}
{{ include "plimsoll.selector" . }}
app.kubernetes.io/component: server
{{- end }}

{{- define "plimsoll.labels" -}}
{{ include "plimsoll.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* What says where the line stands, for the server and for the Job that registers it. */}}
{{- define "plimsoll.line" -}}
- --line=/etc/plimsoll/line/admission.yaml
{{- range $name, $_ := .Values.policies }}
- --policy=/etc/plimsoll/policies/{{ $name }}
{{- end }}
{{- range $name, $_ := .Values.exceptions }}
- --exceptions=/etc/plimsoll/exceptions/{{ $name }}
{{- end }}
{{- end }}

{{- define "plimsoll.mounts" -}}
- {name: line, mountPath: /etc/plimsoll/line, readOnly: true}
{{- if .Values.policies }}
- {name: policies, mountPath: /etc/plimsoll/policies, readOnly: true}
{{- end }}
{{- if .Values.exceptions }}
- {name: exceptions, mountPath: /etc/plimsoll/exceptions, readOnly: true}
{{- end }}
{{- end }}

{{- define "plimsoll.volumes" -}}
- name: line
  configMap: {name: {{ include "plimsoll.name" . }}-line}
{{- if .Values.policies }}
- name: policies
  configMap: {name: {{ include "plimsoll.name" . }}-policies}
{{- end }}
{{- if .Values.exceptions }}
- name: exceptions
  configMap: {name: {{ include "plimsoll.name" . }}-exceptions}
{{- end }}
{{- end }}

{{- /* The account's token, where every client looks for it: for an hour, and for this pod. */}}
{{- define "plimsoll.tokenMount" -}}
- {name: account, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}

{{- define "plimsoll.token" -}}
- name: account
  projected:
    defaultMode: 0440
    sources:
    - serviceAccountToken: {path: token, expirationSeconds: 3600}
    - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
    - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end }}

{{- define "plimsoll.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "plimsoll.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
