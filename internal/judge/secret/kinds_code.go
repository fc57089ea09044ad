package secret

import "github.com/plimsoll/plimsoll/finding"

// codeKinds open code hosts, package registries and what builds.
func codeKinds() []kind {
	return []kind{
		{
			name: "github-token", title: "GitHub token", severity: finding.High, class: code, words: []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"},
			pattern: `gh[pousr]_[A-Za-z0-9]{36}\b`, check: summed, sample: resum,
			aliases: []string{"gitleaks/github-pat", "gitleaks/github-oauth", "gitleaks/github-app-token", "gitleaks/github-refresh-token", "trivy/github-pat", "trivy/github-oauth", "trivy/github-app-token", "trivy/github-refresh-token"},
		},
		{
			name: "github-fine-grained-token", title: "GitHub fine-grained token", severity: finding.High, class: code, words: []string{"github_pat_"},
			pattern: `github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b`, entropy: 3.8, aliases: []string{"gitleaks/github-fine-grained-pat", "trivy/github-fine-grained-pat"},
		},
		{
			name: "gitlab-token", title: "GitLab token", severity: finding.High, class: code,
			words:   []string{"glpat-", "gldt-", "glptt-", "glrt-", "glsoat-", "glagent-", "glcbt-", "glft-", "glimt-", "gloas-", "glffct-", "glrtr-"},
			pattern: `gl(?:pat|dt|ptt|rt|rtr|soat|agent|cbt|ft|imt|oas|ffct)-(?:[A-Za-z0-9_]{1,5}_)?[A-Za-z0-9_\-]{20,}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7,9})?`, after: 400, entropy: 3.2, check: mixed,
			aliases: []string{"gitleaks/gitlab-pat", "gitleaks/gitlab-pat-routable", "gitleaks/gitlab-deploy-token", "gitleaks/gitlab-ptt", "gitleaks/gitlab-runner-authentication-token", "gitleaks/gitlab-scim-token", "gitleaks/gitlab-kubernetes-agent-token", "gitleaks/gitlab-cicd-job-token", "gitleaks/gitlab-feed-token", "gitleaks/gitlab-incoming-mail-token", "gitleaks/gitlab-oauth-app-secret", "gitleaks/gitlab-feature-flag-client-token", "trivy/gitlab-pat"},
		},
		{
			name: "gitlab-registration-token", title: "GitLab runner registration token", severity: finding.High, class: code, words: []string{"GR1348941"},
			pattern: `GR1348941[A-Za-z0-9_\-]{20}\b`, entropy: 3.5, aliases: []string{"gitleaks/gitlab-rrt"},
		},
		{
			name: "bitbucket-token", title: "Atlassian or Bitbucket token", severity: finding.High, class: code, words: []string{"ATATT3", "ATBB", "ATCTT3"},
			pattern: `(?:AT(?:AT|CT)T3[A-Za-z0-9_\-=]{100,}|ATBB[A-Za-z0-9]{24,32}[A-F0-9]{8}\b)`, after: 300, entropy: 3.8, aliases: []string{"gitleaks/atlassian-api-token"},
		},
		{
			name: "npm-token", title: "npm access token", severity: finding.High, class: registry, words: []string{"npm_"},
			pattern: `npm_[A-Za-z0-9]{36}\b`, check: summed, sample: resum, aliases: []string{"gitleaks/npm-access-token", "trivy/npm-access-token"},
		},
		{
			name: "npmrc-token", title: "token of an npm registry", severity: finding.High, class: registry, words: []string{":_authToken"},
			pattern: `:_authToken[ \t]*=[ \t]*["']?([A-Za-z0-9+/_.=\-]{16,})`, entropy: 3, after: 2100, example: func() string { return "//npm.acme.test/:_authToken=" + letters("npmrc", 40) },
		},
		{
			name: "npmrc-password", title: "credential of an npm registry", severity: finding.High, class: registry, words: []string{"_auth", ":_password"},
			pattern: `(?:(?:^|[\r\n:])_auth|:_password)[ \t]*=[ \t]*["']?([A-Za-z0-9+/]{8,}={0,2})`, before: 2, after: 420, check: npmPassword, guess: true, example: func() string { return "_auth=" + exampleBasic() },
		},
		{
			name: "pypi-token", title: "PyPI upload token", severity: finding.High, class: registry, words: []string{"pypi-AgE"},
			pattern: `pypi-AgE[A-Za-z0-9_\-]{50,}`, after: 1100, check: macaroon, aliases: []string{"gitleaks/pypi-upload-token", "trivy/pypi-upload-token"}, example: examplePyPI,
		},
		{
			name: "rubygems-token", title: "RubyGems API key", severity: finding.High, class: registry, words: []string{"rubygems_"},
			pattern: `rubygems_[a-f0-9]{48}\b`, entropy: 3, aliases: []string{"gitleaks/rubygems-api-token", "trivy/rubygems-api-token"},
		},
		{
			name: "cratesio-token", title: "crates.io token", severity: finding.High, class: registry, words: []string{"cio"},
			pattern: `cio[A-Za-z0-9]{32}\b`, entropy: 4, check: both(mixed, near(120, "cargo", "crates", "registry")), example: func() string { return "CARGO_REGISTRY_TOKEN=cio" + letters("crates", 32) },
		},
		{
			name: "nuget-key", title: "NuGet API key", severity: finding.High, class: registry, words: []string{"oy2"},
			pattern: `oy2[a-z0-9]{43}\b`, entropy: 3.5, check: mixed,
		},
		{
			name: "nuget-password", title: "password of a NuGet source", severity: finding.High, class: registry, words: []string{"cleartextpassword"},
			pattern: `(?i)ClearTextPassword["']?[ \t]+value[ \t]*=[ \t]*["']([^"'\s]{4,})["']`, check: notPlaceholder, guess: true, aliases: []string{"gitleaks/nuget-config-password"},
			example: func() string { return `<add key="ClearTextPassword" value="` + letters("nuget", 16) + `" />` },
		},
		{
			name: "clojars-token", title: "Clojars token", severity: finding.High, class: registry, words: []string{"clojars_"},
			pattern: `(?i)CLOJARS_[a-z0-9]{60}\b`, entropy: 3, aliases: []string{"gitleaks/clojars-api-token", "trivy/clojars-api-token"},
		},
		{
			name: "docker-hub-token", title: "Docker Hub access token", severity: finding.High, class: registry, words: []string{"dckr_pat_", "dckr_oat_"},
			pattern: `dckr_[po]at_[A-Za-z0-9_\-]{27,40}`, entropy: 3.5, aliases: []string{"trivy/dockerconfig-secret"},
		},
		{
			name: "docker-auth", title: "login to a container registry", severity: finding.High, class: registry, words: []string{`"auth"`},
			pattern: `"auth"\s{0,20}:\s{0,20}"([A-Za-z0-9+/]{8,}={0,2})"`, after: 8 << 10, check: dockerAuth, guess: true, bad: `{"auths": {"registry.acme.io": {"auth": "…"}}}`, example: exampleDockerAuth,
		},
		{
			name: "artifactory-key", title: "JFrog Artifactory key", severity: finding.High, class: registry, words: []string{"AKCp"},
			pattern: `AKCp[A-Za-z0-9]{69}\b`, entropy: 4, aliases: []string{"gitleaks/artifactory-api-key"},
		},
		{
			name: "artifactory-token", title: "JFrog Artifactory reference token", severity: finding.High, class: registry, words: []string{"cmVmdGtuO"},
			pattern: `cmVmdGtuO[A-Za-z0-9]{55}\b`, entropy: 4, aliases: []string{"gitleaks/artifactory-reference-token"},
		},
		{
			name: "sonar-token", title: "SonarQube token", severity: finding.Medium, class: code, words: []string{"sqp_", "squ_", "sqa_"},
			pattern: `sq[pua]_[a-f0-9]{40}\b`, entropy: 3, aliases: []string{"gitleaks/sonar-api-token"},
		},
		{
			name: "sourcegraph-token", title: "Sourcegraph token", severity: finding.High, class: code, words: []string{"sgp_"},
			pattern: `sgp_(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}\b`, entropy: 3, aliases: []string{"gitleaks/sourcegraph-access-token"},
		},
		{
			name: "buildkite-token", title: "Buildkite token", severity: finding.High, class: code, words: []string{"bkua_", "bkct_"},
			pattern: `bk(?:ua|ct)_[A-Za-z0-9]{40,64}\b`, entropy: 3,
		},
		{
			name: "circleci-token", title: "CircleCI token", severity: finding.High, class: code, words: []string{"ccipat_", "ccipra_"},
			pattern: `cci(?:pat|pra)_[A-Za-z0-9]{22}_[a-f0-9]{40}\b`, entropy: 3,
		},
		{
			name: "prefect-token", title: "Prefect token", severity: finding.High, class: code, words: []string{"pnu_", "pnb_"},
			pattern: `pn[ub]_[A-Za-z0-9]{36}\b`, entropy: 3.5, aliases: []string{"gitleaks/prefect-api-token"},
		},
		{
			name: "octopus-key", title: "Octopus Deploy key", severity: finding.High, class: code, words: []string{"API-"},
			pattern: `API-[A-Z0-9]{26,32}\b`, entropy: 3.6, check: both(mixed, near(200, "octopus")), sample: suffix(" # octopus"), aliases: []string{"gitleaks/octopus-deploy-api-key"},
		},
		{
			name: "harness-token", title: "Harness token", severity: finding.High, class: code, words: []string{"pat.", "sat."},
			pattern: `[ps]at\.[A-Za-z0-9_\-]{22}\.[a-f0-9]{24}\.[A-Za-z0-9]{20}\b`, entropy: 3.5, aliases: []string{"gitleaks/harness-api-key"},
		},
		{
			name: "postman-key", title: "Postman API key", severity: finding.High, class: code, words: []string{"PMAK-"},
			pattern: `PMAK-[a-f0-9]{24}-[a-f0-9]{34}\b`, entropy: 3, aliases: []string{"gitleaks/postman-api-token", "trivy/postman-api-token"},
		},
		{
			name: "snyk-token", title: "Snyk token", severity: finding.High, class: code, words: []string{"snyk_uat.", "snyk_sat."},
			pattern: `snyk_[us]at\.[a-z0-9]{8}\.[A-Za-z0-9_\-]{40,}\.[A-Za-z0-9_\-]{40,}`, after: 400, entropy: 3.5,
		},
		{
			name: "launchdarkly-key", title: "LaunchDarkly key", severity: finding.High, class: code, words: []string{"api-", "sdk-"},
			pattern: `(?:api|sdk)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b`, entropy: 3, check: near(200, "launchdarkly", "launch_darkly", "ld_sdk"), sample: suffix(" # launchdarkly"),
		},
	}
}
