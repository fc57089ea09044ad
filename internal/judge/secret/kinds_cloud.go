package secret

import "github.com/plimsoll/plimsoll/finding"

// cloudKinds open accounts of clouds and what manages them.
func cloudKinds() []kind {
	return []kind{
		{
			name: "aws-access-key-pair", title: "AWS access key, id and secret", severity: finding.Critical, class: cloud, words: []string{"AKIA", "ASIA"},
			pattern: `(?:AKIA|ASIA)[A-Z2-7]{16}\b["']?[^A-Za-z0-9+/]{1,40}(?:[A-Za-z_ \-]{0,40}["']?[ \t]*[=:,][ \t]*["']?)?([A-Za-z0-9+/]{40})(?:[^A-Za-z0-9+/=]|$)`,
			check:   awsSecret, example: exampleAWSPair,
		},
		{
			name: "aws-secret-access-key", title: "AWS secret access key", severity: finding.Critical, class: cloud,
			words:   []string{"aws_secret", "aws-secret", "awssecret", "secretaccesskey", "secret_access_key", "secret-access-key"},
			pattern: assigned + `([A-Za-z0-9+/]{40})(?:[^A-Za-z0-9+/=]|$)`, check: awsSecret,
			aliases: []string{"trivy/aws-secret-access-key"}, example: exampleAWS,
		},
		{
			name: "aws-access-key", title: "AWS access key id", severity: finding.Medium, class: cloud, words: []string{"AKIA"},
			pattern: `AKIA[A-Z2-7]{16}\b`, entropy: 3, check: notTest, aliases: []string{"gitleaks/aws-access-token", "trivy/aws-access-key-id"},
		},
		{
			name: "aws-mws-key", title: "Amazon MWS authentication token", severity: finding.High, class: cloud, words: []string{"amzn.mws."},
			pattern: `amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`,
		},
		{
			name: "aws-bedrock-key", title: "Amazon Bedrock API key", severity: finding.High, class: cloud, words: []string{"ABSK"},
			pattern: `ABSK[A-Za-z0-9+/]{109,}={0,2}`, entropy: 3.5, aliases: []string{"gitleaks/aws-amazon-bedrock-api-key-long-lived"},
		},
		{
			name: "gcp-api-key", title: "Google API key", severity: finding.Medium, class: cloud, words: []string{"AIza"},
			pattern: `AIza[0-9A-Za-z_\-]{35}\b`, entropy: 3.5, check: notTest, aliases: []string{"gitleaks/gcp-api-key"},
		},
		{
			name: "google-oauth-secret", title: "Google OAuth client secret", severity: finding.High, class: cloud, words: []string{"GOCSPX-"},
			pattern: `GOCSPX-[A-Za-z0-9_\-]{28}\b`, entropy: 3.5,
		},
		{
			name: "google-refresh-token", title: "Google OAuth refresh token", severity: finding.High, class: cloud, words: []string{"1//0"},
			pattern: `1//0[A-Za-z0-9_\-]{60,}\b`, entropy: 4,
		},
		{
			name: "azure-storage-key", title: "key of an Azure storage account", severity: finding.Critical, class: cloud, words: []string{"accountkey="},
			pattern: `(?i)AccountKey=([A-Za-z0-9+/]{86}==)`, check: storageKey,
		},
		{
			name: "azure-storage-account-key", title: "key of an Azure storage account", severity: finding.Critical, class: cloud, words: []string{"+ASt"},
			pattern: `[A-Za-z0-9+/]{76}\+ASt[A-Za-z0-9+/]{6}==`, before: 76, check: bytes64(64),
		},
		{
			name: "azure-cosmos-key", title: "key of an Azure Cosmos database", severity: finding.Critical, class: cloud, words: []string{"ACDb"},
			pattern: `[A-Za-z0-9+/]{76}ACDb[A-Za-z0-9+/]{6}==`, before: 76, check: bytes64(64),
		},
		{
			name: "azure-registry-password", title: "password of an Azure container registry", severity: finding.High, class: cloud, words: []string{"+ACR"},
			pattern: `[A-Za-z0-9+/]{42}\+ACR[A-D][A-Za-z0-9+/]{5,6}\b`, before: 42, entropy: 4,
		},
		{
			name: "azure-function-key", title: "key of an Azure function", severity: finding.High, class: cloud, words: []string{"AzFu"},
			pattern: `[A-Za-z0-9_\-]{44}AzFu[A-Za-z0-9_\-]{5}[AQgw]==`, before: 44, entropy: 4,
		},
		{
			name: "azure-client-secret", title: "client secret of Entra ID (Azure AD)", severity: finding.High, class: cloud, words: []string{"Q~"},
			pattern: `(?:^|[^A-Za-z0-9_~.\-])([A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.\-]{31,34})(?:[^A-Za-z0-9_~.\-]|$)`, before: 5, entropy: 3.5,
			aliases: []string{"gitleaks/azure-ad-client-secret"},
		},
		{
			name: "azure-devops-token", title: "Azure DevOps personal access token", severity: finding.High, class: code, words: []string{"AZDO"},
			pattern: `[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18}AZDO[A-Za-z0-9]{4}\b`, before: 76, entropy: 3.5,
		},
		{
			name: "azure-sas-token", title: "Azure shared access signature", severity: finding.Medium, class: cloud, words: []string{"&sig=", "?sig="},
			pattern: `sv=20\d\d-\d\d-\d\d&[^\s"'<>]{0,}?sig=([A-Za-z0-9%+/]{40,90}(?:%3[dD]|=))`, before: 260, entropy: 3.5,
		},
		{
			name: "digitalocean-token", title: "DigitalOcean access token", severity: finding.High, class: cloud, words: []string{"dop_v1_", "doo_v1_", "dor_v1_"},
			pattern: `do[por]_v1_[a-f0-9]{64}\b`, entropy: 3, aliases: []string{"gitleaks/digitalocean-pat", "gitleaks/digitalocean-access-token", "gitleaks/digitalocean-refresh-token"},
		},
		{
			name: "digitalocean-spaces-key", title: "DigitalOcean Spaces key id", severity: finding.Low, class: cloud, words: []string{"DO00"},
			pattern: `DO00[A-Z0-9]{16}\b`, entropy: 3, check: near(200, "spaces", "digitalocean"), sample: suffix(" # spaces"),
		},
		{
			name: "alibaba-access-key", title: "Alibaba Cloud access key id", severity: finding.Medium, class: cloud, words: []string{"LTAI"},
			pattern: `LTAI[A-Za-z0-9]{20}\b`, entropy: 3.5, check: mixed, aliases: []string{"gitleaks/alibaba-access-key-id", "trivy/alibaba-access-key-id"},
		},
		{
			name: "tencent-secret-id", title: "Tencent Cloud secret id", severity: finding.Medium, class: cloud, words: []string{"AKID"},
			pattern: `AKID[A-Za-z0-9]{32}\b`, entropy: 3.8, check: mixed,
		},
		{
			name: "yandex-token", title: "Yandex Cloud token", severity: finding.High, class: cloud, words: []string{"t1.9eu", "AQVN", "YCAJ"},
			pattern: `(?:t1\.9eu[A-Za-z0-9_\-]{40,}\.[A-Za-z0-9_\-]{80,90}={0,2}|AQVN[A-Za-z0-9_\-]{35,38}\b|YCAJ[A-Za-z0-9_\-]{21}\b)`, entropy: 3.5,
			aliases: []string{"gitleaks/yandex-access-token", "gitleaks/yandex-api-key"},
		},
		{
			name: "cloudflare-origin-key", title: "Cloudflare origin CA key", severity: finding.High, class: cloud, words: []string{"v1.0-"},
			pattern: `v1\.0-[a-f0-9]{24}-[a-f0-9]{146}\b`, aliases: []string{"gitleaks/cloudflare-origin-ca-key"},
		},
		{
			name: "cloudflare-token", title: "Cloudflare API token", severity: finding.High, class: cloud, words: []string{"cloudflare_api_token", "cloudflare_token", "cf_api_token", "cloudflare_api_key"},
			pattern: assigned + `([A-Za-z0-9_\-]{40}|[a-f0-9]{37})(?:[^A-Za-z0-9_\-]|$)`, entropy: 3.5, check: mixed, example: named("CLOUDFLARE_API_TOKEN", 40),
			aliases: []string{"gitleaks/cloudflare-api-key"},
		},
		{
			name: "heroku-api-key", title: "Heroku API key", severity: finding.High, class: cloud, words: []string{"HRKU-AA"},
			pattern: `HRKU-AA[0-9a-zA-Z_\-]{58}\b`, entropy: 3.5,
			aliases: []string{"gitleaks/heroku-api-key-v2", "trivy/heroku-api-key"},
		},
		{
			name: "heroku-uuid-key", title: "Heroku API key", severity: finding.High, class: cloud, words: []string{"heroku_api_key", "heroku_key"},
			pattern: assigned + `([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})\b`, entropy: 3, aliases: []string{"gitleaks/heroku-api-key"},
			example: func() string { return "HEROKU_API_KEY=4f1b9c27-83ad-4e60-b5d2-7c9e01a6f358" },
		},
		{
			name: "fly-token", title: "Fly.io access token", severity: finding.High, class: cloud, words: []string{"fo1_", "fm2_", "fm1r_", "fm1a_"},
			pattern: `(?:fo1_[A-Za-z0-9_\-]{43}\b|fm1[ar]_[A-Za-z0-9+/]{100,}={0,3}|fm2_[A-Za-z0-9+/]{100,}={0,3})`, after: 1024, entropy: 4, aliases: []string{"gitleaks/flyio-access-token"},
		},
		{
			name: "vault-token", title: "HashiCorp Vault token", severity: finding.High, class: cloud, words: []string{"hvs.", "hvb.", "hvr."},
			pattern: `hv[sbr]\.[A-Za-z0-9_\-]{24,}`, entropy: 3.8, check: mixed, after: 320, aliases: []string{"gitleaks/vault-service-token", "gitleaks/vault-batch-token"},
		},
		{
			name: "terraform-token", title: "HCP Terraform token", severity: finding.High, class: cloud, words: []string{".atlasv1."},
			pattern: `[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}`, before: 14, entropy: 3.8, aliases: []string{"gitleaks/hashicorp-tf-api-token", "trivy/hashicorp-tf-api-token"},
		},
		{
			name: "pulumi-token", title: "Pulumi access token", severity: finding.High, class: cloud, words: []string{"pul-"},
			pattern: `pul-[a-f0-9]{40}\b`, entropy: 3, aliases: []string{"gitleaks/pulumi-api-token", "trivy/pulumi-api-token"},
		},
		{
			name: "doppler-token", title: "Doppler token", severity: finding.High, class: cloud, words: []string{"dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."},
			pattern: `dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}\b`, entropy: 3.5, aliases: []string{"gitleaks/doppler-api-token", "trivy/doppler-api-token"},
		},
		{
			name: "databricks-token", title: "Databricks access token", severity: finding.High, class: cloud, words: []string{"dapi"},
			pattern: `dapi[a-f0-9]{32}(?:-\d)?\b`, entropy: 3, aliases: []string{"gitleaks/databricks-api-token", "trivy/databricks-api-token"},
		},
		{
			name: "onepassword-token", title: "1Password service account token", severity: finding.Critical, class: cloud, words: []string{"ops_eyJ"},
			pattern: `ops_eyJ[A-Za-z0-9+/_\-]{250,}={0,3}`, after: 2 << 10, entropy: 4, aliases: []string{"gitleaks/1password-service-account-token"},
		},
		{
			name: "openshift-token", title: "OpenShift user token", severity: finding.High, class: cloud, words: []string{"sha256~"},
			pattern: `sha256~[A-Za-z0-9_\-]{43}(?:[^A-Za-z0-9_\-]|$)`, entropy: 3.5, aliases: []string{"gitleaks/openshift-user-token"},
		},
		{
			name: "tailscale-key", title: "Tailscale key", severity: finding.High, class: cloud, words: []string{"tskey-"},
			pattern: `tskey-(?:auth|api|client|webhook|scim)-[A-Za-z0-9]{8,24}-[A-Za-z0-9]{20,60}\b`, entropy: 3.5,
		},
		{
			name: "planetscale-token", title: "PlanetScale credential", severity: finding.High, class: data, words: []string{"pscale_"},
			pattern: `pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.\-]{32,64}`, entropy: 3.5, aliases: []string{"gitleaks/planetscale-api-token", "gitleaks/planetscale-password", "gitleaks/planetscale-oauth-token", "trivy/planetscale-api-token", "trivy/planetscale-password"},
		},
	}
}
