package secret

import "github.com/plimsoll/plimsoll/finding"

// serviceKinds open accounts at services: payment, mail, monitoring, models.
func serviceKinds() []kind {
	return []kind{
		{
			name: "stripe-live-key", title: "Stripe live key", severity: finding.Critical, class: payment, words: []string{"sk_live_", "rk_live_"},
			pattern: `[sr]k_live_[A-Za-z0-9]{20,}\b`, entropy: 3, aliases: []string{"gitleaks/stripe-access-token", "trivy/stripe-secret-token"},
		},
		{
			name: "stripe-test-key", title: "Stripe test key", severity: finding.Low, class: payment, words: []string{"sk_test_", "rk_test_"},
			pattern: `[sr]k_test_[A-Za-z0-9]{20,}\b`, entropy: 3.5, check: notTest,
		},
		{
			name: "stripe-webhook-secret", title: "Stripe webhook secret", severity: finding.Medium, class: payment, words: []string{"whsec_"},
			pattern: `whsec_[A-Za-z0-9+/]{32,64}={0,2}`, entropy: 3.5, check: notTest,
		},
		{
			name: "square-token", title: "Square access token", severity: finding.High, class: payment, words: []string{"EAAA", "sq0atp-", "sq0csp-"},
			pattern: `(?:EAAA[A-Za-z0-9_\-]{60}\b|sq0atp-[A-Za-z0-9_\-]{22}\b|sq0csp-[A-Za-z0-9_\-]{43}\b)`, entropy: 3.8, check: mixed, aliases: []string{"gitleaks/square-access-token"},
			example: func() string { return "sq0csp-" + letters("square", 43) },
		},
		{
			name: "paypal-token", title: "PayPal Braintree access token", severity: finding.High, class: payment, words: []string{"access_token$production$"},
			pattern: `access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}\b`,
		},
		{
			name: "adyen-key", title: "Adyen API key", severity: finding.High, class: payment, words: []string{"AQE"},
			pattern: `AQE[a-z0-9][A-Za-z0-9+/]{80,}={0,2}-[A-Za-z0-9+/]{40,60}=?-[!-~]{8,24}`, after: 400, entropy: 4,
		},
		{
			name: "shopify-token", title: "Shopify token", severity: finding.High, class: payment, words: []string{"shpat_", "shpca_", "shppa_", "shpss_"},
			pattern: `shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b`, entropy: 3,
			aliases: []string{"gitleaks/shopify-access-token", "gitleaks/shopify-custom-access-token", "gitleaks/shopify-private-app-access-token", "gitleaks/shopify-shared-secret", "trivy/shopify-token"},
		},
		{
			name: "flutterwave-key", title: "Flutterwave secret key", severity: finding.High, class: payment, words: []string{"FLWSECK-"},
			pattern: `FLWSECK-[a-hA-H0-9]{32}-X\b`, aliases: []string{"gitleaks/flutterwave-secret-key", "trivy/flutterwave-secret-key"},
		},
		{
			name: "sendgrid-key", title: "SendGrid API key", severity: finding.High, class: mail, words: []string{"SG."},
			pattern: `SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}\b`, entropy: 3.8, aliases: []string{"gitleaks/sendgrid-api-token", "trivy/sendgrid-api-token"},
		},
		{
			name: "mailgun-key", title: "Mailgun API key", severity: finding.High, class: mail, words: []string{"key-"},
			pattern: `key-[a-f0-9]{32}\b`, entropy: 3, check: near(200, "mailgun"), sample: suffix(" # mailgun"), aliases: []string{"gitleaks/mailgun-private-api-token", "trivy/mailgun-private-api-token"},
		},
		{
			name: "mailchimp-key", title: "Mailchimp API key", severity: finding.High, class: mail, words: []string{"-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9"},
			pattern: `[a-f0-9]{32}-us\d{1,2}\b`, before: 32, entropy: 3, aliases: []string{"gitleaks/mailchimp-api-key", "trivy/mailchimp-api-key"},
		},
		{
			name: "mandrill-key", title: "Mandrill API key", severity: finding.High, class: mail, words: []string{"md-"},
			pattern: `md-[A-Za-z0-9_\-]{22}\b`, entropy: 3.6, check: both(mixed, near(200, "mandrill", "mailchimp")), sample: suffix(" # mandrill"),
		},
		{
			name: "brevo-key", title: "Brevo (Sendinblue) API key", severity: finding.High, class: mail, words: []string{"xkeysib-", "xsmtpsib-"},
			pattern: `x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}\b`, aliases: []string{"gitleaks/sendinblue-api-token", "trivy/sendinblue-api-token"},
		},
		{
			name: "postmark-token", title: "Postmark server token", severity: finding.High, class: mail, words: []string{"postmark"},
			pattern: assigned + `([0-9a-f]{8}-[0-9a-f]{4}-4?[0-9a-f]{3,4}-[0-9a-f]{4}-[0-9a-f]{12})\b`, entropy: 3, example: func() string { return "POSTMARK_API_TOKEN=4f1b9c27-83ad-4e60-b5d2-7c9e01a6f358" },
		},
		{
			name: "openai-key", title: "OpenAI API key", severity: finding.High, class: model, words: []string{"T3BlbkFJ"},
			pattern: `sk-(?:[a-z]{3,8}-)?[A-Za-z0-9_\-]{20,80}T3BlbkFJ[A-Za-z0-9_\-]{20,80}\b`, before: 96, entropy: 4, aliases: []string{"gitleaks/openai-api-key", "trivy/openai-api-key"},
		},
		{
			name: "anthropic-key", title: "Anthropic API key", severity: finding.High, class: model, words: []string{"sk-ant-"},
			pattern: `sk-ant-(?:api|admin|sid)\d\d-[A-Za-z0-9_\-]{80,}AA\b`, entropy: 4, aliases: []string{"gitleaks/anthropic-api-key", "gitleaks/anthropic-admin-api-key"},
		},
		{
			name: "huggingface-token", title: "Hugging Face token", severity: finding.High, class: model, words: []string{"hf_", "api_org_"},
			pattern: `(?:hf|api_org)_[A-Za-z]{34}\b`, entropy: 3.9, check: bothCases, aliases: []string{"gitleaks/huggingface-access-token", "gitleaks/huggingface-organization-api-token", "trivy/hugging-face-access-token"},
		},
		{
			name: "perplexity-key", title: "Perplexity API key", severity: finding.High, class: model, words: []string{"pplx-"},
			pattern: `pplx-[A-Za-z0-9]{48}\b`, entropy: 4, aliases: []string{"gitleaks/perplexity-api-key"},
		},
		{
			name: "groq-key", title: "Groq API key", severity: finding.High, class: model, words: []string{"gsk_"},
			pattern: `gsk_[A-Za-z0-9]{52}\b`, entropy: 4,
		},
		{
			name: "replicate-token", title: "Replicate API token", severity: finding.High, class: model, words: []string{"r8_"},
			pattern: `r8_[A-Za-z0-9]{37}\b`, entropy: 4,
		},
		{
			name: "xai-key", title: "xAI API key", severity: finding.High, class: model, words: []string{"xai-"},
			pattern: `xai-[A-Za-z0-9]{80}\b`, entropy: 4,
		},
		{
			name: "langsmith-key", title: "LangSmith API key", severity: finding.High, class: model, words: []string{"lsv2_"},
			pattern: `lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}\b`,
		},
		{
			name: "grafana-token", title: "Grafana token", severity: finding.High, class: monitoring, words: []string{"glsa_", "glc_eyJ"},
			pattern: `(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}\b|glc_eyJ[A-Za-z0-9+/]{40,}={0,3})`, after: 420, entropy: 3.5,
			aliases: []string{"gitleaks/grafana-service-account-token", "gitleaks/grafana-cloud-api-token", "trivy/grafana-api-token"},
		},
		{
			name: "newrelic-key", title: "New Relic key", severity: finding.High, class: monitoring, words: []string{"NRAK-", "NRAA-", "NRII-"},
			pattern: `(?:NRAK-[A-Z0-9]{27}|NRAA-[a-f0-9]{27}|NRII-[A-Za-z0-9\-]{32})\b`, entropy: 3.3, aliases: []string{"gitleaks/new-relic-user-api-key", "gitleaks/new-relic-insert-key", "trivy/new-relic-user-api-key"},
		},
		{
			name: "sentry-token", title: "Sentry token", severity: finding.High, class: monitoring, words: []string{"sntrys_", "sntryu_"},
			pattern: `(?:sntrys_eyJ[A-Za-z0-9+/=_]{80,}|sntryu_[a-f0-9]{64}\b)`, after: 420, entropy: 3.2, aliases: []string{"gitleaks/sentry-org-token", "gitleaks/sentry-user-token"},
		},
		{
			name: "dynatrace-token", title: "Dynatrace token", severity: finding.High, class: monitoring, words: []string{"dt0c01.", "dt0s01.", "dt0s02."},
			pattern: `dt0[cs]0[12]\.[A-Z0-9]{8,24}\.[A-Z0-9]{64}\b`, entropy: 4, aliases: []string{"gitleaks/dynatrace-api-token", "trivy/dynatrace-api-token"},
		},
		{
			name: "datadog-key", title: "Datadog key", severity: finding.High, class: monitoring, words: []string{"dd_api_key", "dd_app_key", "datadog_api_key", "datadog_app_key", "dd-api-key"},
			pattern: assigned + `([a-f0-9]{32}(?:[a-f0-9]{8})?)\b`, entropy: 3, example: func() string { return "DD_API_KEY=" + hexes("datadog", 32) }, aliases: []string{"gitleaks/datadog-access-token"},
		},
		{
			name: "pagerduty-token", title: "PagerDuty token", severity: finding.High, class: monitoring, words: []string{"pagerduty"},
			pattern: assigned + `([uy]\+[A-Za-z0-9_\-]{18})(?:[^A-Za-z0-9_\-]|$)`, entropy: 3.2, example: func() string { return "PAGERDUTY_TOKEN=y+" + letters("pagerduty", 18) },
		},
		{
			name: "linear-key", title: "Linear API key", severity: finding.High, class: monitoring, words: []string{"lin_api_"},
			pattern: `lin_api_[A-Za-z0-9]{40}\b`, entropy: 3.5, aliases: []string{"gitleaks/linear-api-key", "trivy/linear-api-token"},
		},
		{
			name: "notion-token", title: "Notion token", severity: finding.High, class: monitoring, words: []string{"ntn_"},
			pattern: `ntn_\d{11}[A-Za-z0-9]{35}\b`, entropy: 3.5, aliases: []string{"gitleaks/notion-api-token"},
		},
		{
			name: "figma-token", title: "Figma token", severity: finding.High, class: monitoring, words: []string{"figd_", "figo_"},
			pattern: `fig[do]_[A-Za-z0-9_\-]{40,44}\b`, entropy: 3.8,
		},
		{
			name: "airtable-token", title: "Airtable token", severity: finding.High, class: monitoring, words: []string{"airtable"},
			pattern: assigned + `(pat[A-Za-z0-9]{14}\.[a-f0-9]{64})\b`, entropy: 3.5, aliases: []string{"gitleaks/airtable-personnal-access-token"}, example: func() string { return "AIRTABLE_KEY=pat" + letters("airtable", 14) + "." + hexes("airtable", 64) },
		},
		{
			name: "hubspot-token", title: "HubSpot token", severity: finding.High, class: monitoring, words: []string{"pat-na1-", "pat-eu1-", "pat-na2-"},
			pattern: `pat-(?:na1|na2|eu1)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`, entropy: 3,
		},
		{
			name: "asana-token", title: "Asana access token", severity: finding.High, class: monitoring, words: []string{"asana"},
			pattern: assigned + `([12]/\d{16}(?:/\d{16})?:[a-f0-9]{32})\b`, example: func() string { return "ASANA_TOKEN=2/1204839571620394/1206637281945560:" + hexes("asana", 32) },
		},
		{
			name: "mapbox-token", title: "Mapbox secret token", severity: finding.Medium, class: monitoring, words: []string{"sk.eyJ"},
			pattern: `sk\.eyJ[A-Za-z0-9_\-]{40,}\.[A-Za-z0-9_\-]{20,24}\b`, entropy: 3.8,
		},
		{
			name: "maxmind-key", title: "MaxMind license key", severity: finding.Medium, class: monitoring, words: []string{"_mmk"},
			pattern: `[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk\b`, before: 36, entropy: 3.8, aliases: []string{"gitleaks/maxmind-license-key"},
		},
		{
			name: "dropbox-token", title: "Dropbox access token", severity: finding.High, class: monitoring, words: []string{"sl."},
			pattern: `sl\.(?:u\.)?[A-Za-z0-9_\-]{130,}`, after: 1600, entropy: 4.5, check: mixed, aliases: []string{"gitleaks/dropbox-short-lived-api-token"},
		},
		{
			name: "facebook-token", title: "Facebook access token", severity: finding.High, class: monitoring, words: []string{"EAAM", "EAAC"},
			pattern: `EAA[MC][A-Za-z0-9]{100,}\b`, after: 260, entropy: 4, check: mixed, aliases: []string{"gitleaks/facebook-page-access-token"},
		},
		{
			name: "easypost-key", title: "EasyPost API key", severity: finding.High, class: payment, words: []string{"EZAK"},
			pattern: `EZAK[A-Za-z0-9]{54}\b`, entropy: 3.8, aliases: []string{"gitleaks/easypost-api-token", "trivy/easypost-api-token"},
		},
		{
			name: "duffel-token", title: "Duffel live token", severity: finding.High, class: payment, words: []string{"duffel_live_"},
			pattern: `duffel_live_[A-Za-z0-9_\-=]{43}\b`, entropy: 3.5, aliases: []string{"gitleaks/duffel-api-token", "trivy/duffel-api-token"},
		},
		{
			name: "shippo-token", title: "Shippo live token", severity: finding.High, class: payment, words: []string{"shippo_live_"},
			pattern: `shippo_live_[a-f0-9]{40}\b`, entropy: 3, aliases: []string{"gitleaks/shippo-api-token", "trivy/shippo-api-token"},
		},
		{
			name: "typeform-token", title: "Typeform token", severity: finding.High, class: monitoring, words: []string{"tfp_"},
			pattern: `tfp_[A-Za-z0-9_\-.=]{59}\b`, entropy: 3.8, aliases: []string{"gitleaks/typeform-api-token", "trivy/typeform-api-token"},
		},
	}
}
