{{/* The name of everything: the release's, unless that is the chart's own. */}}
{{- define "jeton.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "jeton.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "jeton.labels" -}}
{{ include "jeton.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The settings of every node: those that fit the chart's own objects, and those that it was given. */}}
{{- define "jeton.settings" -}}
{{- $own := dict
  "public-url" .Values.publicUrl
  "listen" ":8080"
  "gateway-listen" ":8081"
  "admin-listen" ":9090"
  "drain" (printf "%ds" (int .Values.drainSeconds))
  "trusted-peers" .Values.trustedPeers
}}
{{- $plain := list "public" "gateway" }}
{{- if .Values.proxy.enabled }}
{{- $_ := set $own "proxy-listen" ":8082" }}
{{- $plain = append $plain "proxy" }}
{{- end }}
{{- if .Values.tls.secretName }}
{{- $_ := set $own "tls-cert" "/run/tls/tls.crt" }}
{{- $_ := set $own "tls-key" "/run/tls/tls.key" }}
{{- else }}
{{- $_ := set $own "plain-http" $plain }}
{{- end }}
{{- toYaml (merge $own .Values.settings (dict "log-format" "json" "max-remembered" "1000000")) }}
{{- end }}
