package secret

import "github.com/plimsoll/plimsoll/finding"

// chatKinds write in somebody's name.
func chatKinds() []kind {
	return []kind{
		{
			name: "slack-token", title: "Slack token", severity: finding.High, class: chat, words: []string{"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxo-", "xoxs-", "xoxc-", "xoxd-", "xoxe-", "xoxe."},
			pattern: `xox(?:[bpoas]-\d{9,14}-[0-9A-Za-z]{9,40}(?:-[0-9A-Za-z]{10,64}){0,3}|[are]-(?:\d-)?[0-9A-Za-z\-]{20,}|e\.xox[bp]-\d-[A-Za-z0-9]{160,}|c-\d{9,14}-\d{9,14}-\d{9,14}-[0-9a-f]{64}|d-[A-Za-z0-9%]{80,})`, after: 320, entropy: 3, check: mixed,
			aliases: []string{"gitleaks/slack-bot-token", "gitleaks/slack-user-token", "gitleaks/slack-legacy-token", "gitleaks/slack-legacy-bot-token", "gitleaks/slack-legacy-workspace-token", "gitleaks/slack-config-access-token", "gitleaks/slack-config-refresh-token", "trivy/slack-access-token"},
			example: func() string { return "xoxb-483920175634-2938475610293-" + letters("slack", 24) },
		},
		{
			name: "slack-app-token", title: "Slack app token", severity: finding.High, class: chat, words: []string{"xapp-"},
			pattern: `xapp-\d-[A-Z0-9]{8,14}-\d{10,14}-[a-f0-9]{64}\b`, aliases: []string{"gitleaks/slack-app-token"},
		},
		{
			name: "slack-webhook", title: "Slack webhook", severity: finding.Medium, class: chat, bad: "https://hooks.slack.com/services/T…/B…/…", words: []string{"hooks.slack.com/"},
			pattern: `hooks\.slack\.com/(?:services/T[A-Z0-9]{8,11}/B[A-Z0-9]{8,11}/([A-Za-z0-9]{24})|(?:workflows|triggers)/T?[A-Z0-9]{8,13}/\d{10,20}/([A-Za-z0-9]{24,40}))`, entropy: 3.2, aliases: []string{"gitleaks/slack-webhook-url", "trivy/slack-web-hook"},
		},
		{
			name: "discord-bot-token", title: "Discord bot token", severity: finding.High, class: chat, words: []string{"discord", "bot_token"},
			pattern: assigned + `((?-i:[MNO])[A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38})\b`, check: snowflake, example: exampleDiscord, aliases: []string{"gitleaks/discord-api-token", "trivy/discord-api-token"},
		},
		{
			name: "discord-webhook", title: "Discord webhook", severity: finding.Medium, class: chat, bad: "https://discord.com/api/webhooks/…/…", words: []string{"/api/webhooks/"},
			pattern: `/api/webhooks/\d{17,20}/([A-Za-z0-9_\-]{60,80})`, entropy: 3.8,
		},
		{
			name: "telegram-bot-token", title: "Telegram bot token", severity: finding.High, class: chat, words: []string{":AA"},
			pattern: `(?:^|[^0-9A-Za-z])(\d{8,10}:AA[A-Za-z0-9_\-]{33})(?:[^A-Za-z0-9_\-]|$)`, before: 11, entropy: 4, aliases: []string{"gitleaks/telegram-bot-api-token"},
		},
		{
			name: "teams-webhook", title: "Microsoft Teams webhook", severity: finding.Medium, class: chat, bad: "https://acme.webhook.office.com/webhookb2/…/IncomingWebhook/…", words: []string{".webhook.office.com/webhookb2/"},
			pattern: `\.webhook\.office\.com/webhookb2/[a-z0-9\-]{36}@[a-z0-9\-]{36}/IncomingWebhook/([a-z0-9]{32}/[a-z0-9\-]{36})`, after: 320, aliases: []string{"gitleaks/microsoft-teams-webhook"},
		},
		{
			name: "twilio-key", title: "Twilio API key", severity: finding.High, class: chat, words: []string{"twilio"},
			pattern: assigned + `((?-i:SK)[0-9a-f]{32})\b`, entropy: 3, example: func() string { return "TWILIO_API_KEY=SK" + hexes("twilio key", 32) }, aliases: []string{"gitleaks/twilio-api-key", "trivy/twilio-api-key"},
		},
		{
			name: "twilio-auth-token", title: "Twilio auth token", severity: finding.High, class: chat, words: []string{"twilio_auth_token", "twilioauthtoken", "twilio_token"},
			pattern: assigned + `([0-9a-f]{32})\b`, entropy: 3, example: func() string { return "TWILIO_AUTH_TOKEN=" + hexes("twilio", 32) },
		},
		{
			name: "line-token", title: "LINE channel token", severity: finding.Medium, class: chat, words: []string{"line_channel_access_token"},
			pattern: assigned + `([A-Za-z0-9+/]{150,}=?)`, entropy: 4.5, example: func() string { return "LINE_CHANNEL_ACCESS_TOKEN=" + letters("line", 172) },
		},
		{
			name: "webex-token", title: "Webex bot token", severity: finding.High, class: chat, words: []string{"webex"},
			pattern: assigned + `([A-Za-z0-9_\-]{64}_[A-Za-z0-9_\-]{4,8}_[0-9a-f\-]{36})\b`, entropy: 4,
			example: func() string {
				return "WEBEX_TOKEN=" + letters("webex", 64) + "_PF84_4f1b9c27-83ad-4e60-b5d2-7c9e01a6f358"
			},
		},
	}
}
