package secret

import "github.com/plimsoll/plimsoll/finding"

// dataKinds open databases, and name them.
func dataKinds() []kind {
	return []kind{
		{
			name: "database-url", title: "password in the address of a database", severity: finding.High, class: data, guess: true, example: exampleDatabase, bad: "DATABASE_URL=postgres://cart:…@db.acme.io:5432/cart",
		},
		{
			name: "url-password", title: "password in an address", severity: finding.Medium, class: password, words: []string{"://"}, guess: true, example: exampleURL, bad: "url = https://robot:…@git.acme.io/shop.git",
			aliases: []string{"gitleaks/sidekiq-sensitive-url"},
		},
		{
			name: "clickhouse-key", title: "ClickHouse Cloud key", severity: finding.High, class: data, words: []string{"4b1d"},
			pattern: `4b1d[A-Za-z0-9]{38}\b`, entropy: 4.2, check: bothCases, aliases: []string{"gitleaks/clickhouse-cloud-api-secret-key"},
		},
		{
			name: "connection-string-password", title: "password in a connection string", severity: finding.High, class: data, words: []string{"password=", "pwd="},
			pattern: `(?i)(?:password|pwd)=([^;"'\s]{6,});`, check: connection, guess: true, bad: "Server=db.acme.io;User Id=cart;Password=…;", example: exampleConnection,
		},
	}
}

// fileKinds are known by the file that they stand in.
func fileKinds() []kind {
	return []kind{
		{
			name: "netrc-password", title: "password in .netrc", severity: finding.High, class: password, words: []string{"password"},
			pattern: `password[ \t\r\n]+([^\s"#]{4,})`, check: netrc, guess: true, bad: "machine git.acme.io login robot password …", example: exampleNetrc,
		},
		{
			name: "pgpass-password", title: "password in .pgpass", severity: finding.High, class: data, only: isNamed(".pgpass"),
			pattern: `:(?:\d{2,5}|\*):[^:\s]{1,64}:[^:\s]{1,64}:([^\s]{4,})`, check: notPlaceholder, guess: true, bad: "db.acme.io:5432:cart:cart:…", example: examplePgpass,
		},
		{
			name: "kubeconfig-key", title: "client key of a kubeconfig", severity: finding.Critical, class: cloud, words: []string{"client-key-data"},
			pattern: `client-key-data["']?:[ \t]*["']?([A-Za-z0-9+/]{100,}={0,2})`, after: 9 << 10, check: encodedKey, bad: "client-key-data: …", example: exampleKubeconfig,
		},
		{
			name: "htpasswd", title: "hash of a web server's password", severity: finding.Low, class: password, words: []string{":$apr1$", ":$2y$"},
			pattern: `:(\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}|\$2y\$\d\d\$[./A-Za-z0-9]{53})(?:[^./A-Za-z0-9]|$)`, check: htpasswd, guess: true, bad: "robot:$apr1$…", example: exampleHtpasswd,
		},
		{
			name: "ansible-vault", title: "Ansible vault", severity: finding.Info, class: password, words: []string{"$ANSIBLE_VAULT;"},
			pattern: `\$ANSIBLE_VAULT;1\.[12];AES256(?:;[\w\-]+)?\s+[0-9a-f]{60,}`, after: 512, check: notTest, guess: true,
		},
		{
			name: "rails-master-key", title: "master key of a Rails application", severity: finding.High, class: keys, words: []string{"rails_master_key", "secret_key_base"},
			pattern: assigned + `([0-9a-f]{32}|[0-9a-f]{128})\b`, entropy: 3, check: notTest, example: func() string { return "RAILS_MASTER_KEY=" + hexes("rails", 32) },
		},
		{
			name: "django-secret-key", title: "secret key of a Django application", severity: finding.Medium, class: keys, words: []string{"django-insecure-"},
			pattern: `django-insecure-[!-~]{50}`, entropy: 3.5, check: notTest, example: func() string { return "SECRET_KEY = 'django-insecure-" + letters("django", 50) + "'" },
		},
		{
			name: "laravel-app-key", title: "application key of Laravel", severity: finding.High, class: keys, words: []string{"APP_KEY"},
			pattern: `APP_KEY["']?[ \t]*[=:][ \t]*["']?base64:([A-Za-z0-9+/]{43}=)`, check: both(bytes64(32), notTest), example: func() string { return "APP_KEY=base64:" + encoded("laravel", 32) },
		},
	}
}

// generalKinds are what people call a secret, whatever it opens. They come last.
func generalKinds() []kind {
	return []kind{
		{
			name: "authorization-header", title: "credential in an Authorization header", severity: finding.Medium, class: password, words: []string{"authorization"},
			pattern: `(?i)authorization["']?[ \t]*[:=,][ \t]*["']?(?:basic|bearer|token)[ \t]+([A-Za-z0-9+/_.=~\-]{20,})`, after: 2100, entropy: 3.5, check: header, guess: true, bad: `curl -H "Authorization: Bearer …"`,
			aliases: []string{"gitleaks/curl-auth-header"}, example: func() string { return `curl -H "Authorization: Bearer ` + letters("bearer", 40) + `"` },
		},
		{
			name: "password", title: "password", severity: finding.High, class: password, guess: true, example: examplePassword, bad: "DB_PASSWORD=…",
			aliases: []string{"gitleaks/hashicorp-tf-password"},
		},
		{
			name: "generic-secret", title: "value that is called a secret", severity: finding.Low, class: password, guess: true, example: exampleGeneric, bad: "SESSION_SECRET=…",
			words:   []string{"passw", "_pass", "pwd", "secret", "token", "api_key", "apikey", "api-key", "access_key", "accesskey", "access-key", "private_key", "privatekey", "encryption_key", "credential", "passphrase", "auth_key", "authkey", "signing_key"},
			aliases: []string{"gitleaks/generic-api-key"},
		},
	}
}
