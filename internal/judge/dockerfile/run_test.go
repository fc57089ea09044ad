package dockerfile

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

func fileOf(t *testing.T, text string) *dockerfile.File {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text), dockerfile.Options{})
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return f
}

// TestRunExamples runs each check on the examples of its page, and wants to find it also in an ONBUILD.
func TestRunExamples(t *testing.T) {
	for _, c := range runs(new(memo)) {
		if hits := c.Look(fileOf(t, c.Page.Bad)); len(hits) == 0 {
			t.Errorf("%s does not find its bad example", c.ID)
		}
		if hits := c.Look(fileOf(t, c.Page.Good)); len(hits) != 0 {
			t.Errorf("%s finds its good example: %+v", c.ID, hits)
		}
	}
}

// failed are the checks that a Dockerfile fails, by the last part of their ids.
func failed(t *testing.T, text string) (ids []string) {
	f := fileOf(t, text)
	for _, c := range runs(new(memo)) {
		if len(c.Look(f)) > 0 {
			ids = append(ids, strings.TrimPrefix(c.ID, "dockerfile/"))
		}
	}
	slices.Sort(ids)
	return ids
}

// TestRuns holds what RUN lines are found to do. Quiet are checks that say nothing of them, though a search
// for words would.
func TestRuns(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string // the ids, parted by blanks
	}{
		{"a good apt", "RUN apt-get update && apt-get install -y --no-install-recommends curl=7.88.1-10 && rm -rf /var/lib/apt/lists/*", ""},
		{"apt with caches mounted", "RUN --mount=type=cache,target=/var/cache/apt --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y --no-install-recommends curl=1", ""},
		{"lists removed by braces", "SHELL [\"/bin/bash\", \"-c\"]\nRUN apt-get update && apt-get -qq install --no-install-recommends curl=1 && rm -rf /var/lib/{apt,dpkg}/lists", ""},
		{"lists removed with more", "RUN apt-get update && apt-get install -qqy --no-install-recommends curl=1 && rm -rf /tmp/* /var/lib/apt", ""},
		{"words in what is echoed", "RUN echo 'curl -k http://x/a.sh | sh; sudo chmod 777 /'", ""},
		{"words in a comment", "RUN true \\\n # sudo apt install x\n && true", ""},
		{"behind a wrapper", "RUN env A=b nice sudo -u root chmod 777 /app", "sudo world-writable"},
		{"in sh -c", "RUN sh -c 'chmod -R a+rwx /app'", "world-writable"},
		{"exec form", "RUN [\"sh\", \"-c\", \"chmod 777 /app\"]", "world-writable"},
		{"in ONBUILD", "ONBUILD RUN chmod 777 /app", "world-writable"},
		{"sticky", "RUN mkdir -p /app && chmod 1777 /app && chmod +w /b && chmod g+w /c", ""},
		{"given back", "RUN chmod 777 /app && do-it && chmod 755 /app", ""},
		{"a file that is gone", "RUN chmod 777 /i.sh && /i.sh && rm /i.sh", ""},
		{"here-document", "RUN <<EOF\napt-get update\nchmod 777 /x\nEOF", "apt-lists-left update-alone world-writable"},
		{"here-document of Python", "RUN <<EOF\n#!/usr/bin/env python3\nprint('chmod 777 /')\nEOF", ""},
		{"PowerShell", "SHELL [\"powershell\", \"-Command\"]\nRUN Get-Item; curl -k x | sh", ""},
		{"PowerShell by name", "RUN powershell \\\n  if ((Get-FileHash x) -ne $Env:Y) { throw }", ""},
		{"piped to a shell", "RUN curl -fsSL https://x.org/i.sh | bash -s -- --yes", "pipefail remote-script"},
		{"a shell that reads a file", "RUN bash <(wget -qO- https://x.org/i)", "remote-script"},
		{"a shell that is given it", "RUN sh -c \"$(curl -fsSL https://x.org/i)\"", "remote-script"},
		{"with a language", "RUN wget -qO - https://x.org/get-pip.py | python3 -", "pipefail remote-script"},
		{"data to a script of ours", "RUN curl -fsSL https://x.org/data | python3 /app/load.py", "pipefail"},
		{"a check of the script", "RUN set -o pipefail; curl -fsSL https://x.org/a.json | python3 -c 'import json'", ""},
		{"a release", "RUN curl -fsSLO https://github.com/a/b/releases/download/v1/b", "unverified-download"},
		{"a release, verified", "RUN curl -fsSLO https://github.com/a/b/releases/download/v1/b\nRUN echo \"$SUM  b\" | sha256sum -c -", ""},
		{"a release, verified by gpg", "RUN wget -q https://x.org/a.tgz https://x.org/a.tgz.asc && gpg --verify a.tgz.asc a.tgz", ""},
		{"a program by its folder", "RUN curl -Lo /usr/local/bin/kubectl https://x.org/v1/kubectl", "unverified-download"},
		{"a program by its rights", "RUN wget -q https://x.org/tool -O /opt/tool && chmod a+x /opt/tool", "unverified-download"},
		{"a program by its rights, later", "RUN curl -sSLO https://x.org/v1/tool?os=linux\nRUN chmod 0755 ./tool", "consecutive-runs unverified-download"},
		{"a program by being run", "RUN curl -sSL https://x.org/get > get && ./get --yes", "unverified-download"},
		{"a script by being run", "RUN wget -qP /tmp https://x.org/setup && sh /tmp/setup", "unverified-download"},
		{"a program by where it is moved", "RUN curl -sSLo t https://x.org/t && mv t /usr/bin/t", "unverified-download"},
		{"an archive by being unpacked", "RUN curl -sSLo /a https://x.org/latest && tar -xf /a", "unverified-download"},
		{"a program, verified", "RUN curl -Lo /usr/local/bin/k https://x.org/k && echo \"$SUM  /usr/local/bin/k\" | sha256sum -c -", ""},
		{"data", "RUN curl -sSLo /srv/model https://x.org/model && chmod 644 /srv/model && chmod +x /srv/run", ""},
		{"data of another stage's name", "RUN curl -sSLo /srv/tool https://x.org/tool && chmod +x /opt/tool", ""},
		{"an answer", "RUN curl -fsS https://x.org/health -o /dev/null && curl -fsSo bin https://x.org/bin", ""},
		{"a key", "RUN curl -fsSL https://x.org/key.asc -o /etc/apt/keyrings/x.asc", ""},
		{"http", "RUN curl -fsSL http://x.org/a.tar.gz | tar xz", "cleartext-download pipefail unverified-download"},
		{"http at home", "RUN curl -fsSL http://localhost:8080/a.tar.gz -o a", ""},
		{"curl's cluster", "RUN curl -sSkLo /x https://x.org/y", "curl-tls-off"},
		{"a value that looks like an option", "RUN curl -o k -H '-k' https://x.org/y", ""},
		{"npm", "RUN npm config set strict-ssl false && npm ci --no-strict-ssl", "npm-tls-off"},
		{"ARG", "ARG GIT_SSL_NO_VERIFY=true", "git-tls-off"},
		{"git for one call", "RUN GIT_SSL_NO_VERIFY=1 git -c http.sslVerify=false clone -b v1 https://x.org/y", "git-tls-off"},
		{"trusted=yes", "RUN echo 'deb [trusted=yes] https://x.org/ stable main' > /etc/apt/sources.list.d/x.list", "apt-signature-off"},
		{"secret copied", "RUN --mount=type=secret,id=k cp /run/secrets/k /root/k", "secret-kept"},
		{"secret copied and removed", "RUN --mount=type=secret,id=k cp /run/secrets/k /root/k && use && rm -f /root/k", ""},
		{"secret in the environment", "RUN --mount=type=secret,id=k,env=TOKEN npm config set //r/:_authToken=$TOKEN", "secret-kept"},
		{"secret through a variable", "RUN --mount=type=secret,id=k T=$(cat /run/secrets/k) && echo \"//r/:_authToken=${T}\" > ~/.npmrc && npm ci", "secret-kept"},
		{"secret for one command", "RUN --mount=type=secret,id=k TOKEN=$(cat /run/secrets/k) npm ci", ""},
		{"secret where it is looked for", "RUN --mount=type=secret,id=k,target=/root/.npmrc npm ci", ""},
		{"password", "RUN mysql -uroot -phunter2 -e 'select 1' && mysql -uroot -p$PW x", "password-argument"},
		{"a login in an address", "RUN git clone -b v1 https://me:hunter2@x.org/y && git clone -b v1 https://me:$TOKEN@x.org/y", "password-argument"},
		{"locked account", "RUN useradd -r -p '!' app && usermod -p '*' app", ""},
		{"setuid", "RUN chmod 4755 /x && chmod g+s /y && chmod 2775 /z", "setuid"},
		{"an earlier stage", "RUN apt-get update && apt-get install -y gcc && chmod 777 /x\nFROM scratch", "unpinned-apt"},
		{"pip without cache by ENV", "ENV PIP_NO_CACHE_DIR=1\nRUN pip install flask==1", ""},
		{"python -m pip", "RUN python3 -m pip install --no-cache-dir flask", "unpinned-pip"},
		{"requirements", "RUN pip install --no-cache-dir -r requirements.txt -e . ./x.whl git+https://x.org/y@v1", ""},
		{"apk virtual", "RUN apk add --no-cache --virtual .build gcc~=13 && apk del .build", ""},
		{"pipefail on Alpine", "SHELL [\"/bin/ash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN a | b", ""},
		{"pipefail ends with its stage", "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\nFROM debian:12\nRUN a | b", "pipefail"},
		{"pipefail in bash -c", "RUN bash -o pipefail -c 'a | b'", ""},
		{"node", "RUN npm install -g pm2@5 @a/b@1.2 ./x.tgz && npm ci && npm install", ""},
		{"chpasswd", "RUN echo \"root:$PW\" | chpasswd", "password-set"},
		{"cd before all", "RUN cd /src && make", "cd-in-run"},
		{"cd in between", "RUN a && cd /src && make && cd - && (cd /x; y)", ""},
	} {
		if diff := cmp.Diff(c.want, strings.Join(failed(t, "FROM debian:12\n"+c.text+"\n"), " ")); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestRunPlaces holds where a hit stands: the line of its command, not of its RUN.
func TestRunPlaces(t *testing.T) {
	f := fileOf(t, "FROM debian:12\nRUN true && \\\n  # why\n  true && \\\n    chmod 777 /app\nRUN <<EOF\n  chmod 777 /b\nEOF\n")
	var hits []check.Hit
	for _, c := range runs(new(memo)) {
		if c.ID == "dockerfile/world-writable" {
			hits = c.Look(f)
		}
	}
	if len(hits) != 2 || hits[0].At[0].StartLine != 5 || hits[0].At[0].Column != 5 || hits[1].At[0].StartLine != 7 || hits[1].At[0].Column != 3 {
		t.Errorf("%+v", hits)
	}
}

// TestNoSecrets wants no password in what is said of it.
func TestNoSecrets(t *testing.T) {
	f := fileOf(t, "FROM debian:12\nRUN echo 'root:hunter2' | chpasswd && curl -u me:hunter2 http://me:hunter2@x.org/a.tgz?t=hunter2 | tar xz && wget --password=hunter2 -q http://me:hunter2@x.org/b.sh && mysql -phunter2 && useradd -p hunter2 x && git clone https://me:hunter2@x.org/y && curl https://me:hunter2@x.org/$V | sh\n")
	for _, c := range runs(new(memo)) {
		for _, h := range c.Look(f) {
			if strings.Contains(h.Where+h.Detail+h.Fix+h.Subject.Field, "hunter2") {
				t.Errorf("%s says it: %+v", c.ID, h)
			}
		}
	}
}

func TestGaps(t *testing.T) {
	_, unread := Judge()
	gaps := unread(fileOf(t, "FROM debian:12\nRUN echo 'open\nSHELL [\"pwsh\", \"-c\"]\nRUN Get-Item\n"))
	if len(gaps) != 2 || gaps[0].Class != "unread-script" || !gaps[0].Blocking || !strings.Contains(gaps[0].What, "line 2") || gaps[1].Class != "other-shell" || gaps[1].Blocking {
		t.Errorf("%+v", gaps)
	}
}

func BenchmarkRuns(b *testing.B) {
	text := []byte("FROM debian:12\nRUN set -eux; apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/*\n" +
		"RUN curl -fsSL \"https://example.org/$VERSION.tar.gz\" -o x.tgz && echo \"$SUM  x.tgz\" | sha256sum -c - && tar xf x.tgz\nRUN useradd app && chown -R app /srv\n")
	checks := runs(new(memo))
	for b.Loop() {
		f, err := dockerfile.Parse("Dockerfile", text, dockerfile.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range checks {
			c.Look(f)
		}
	}
}

// TestAliasesOfRuns wants every rule of other tools that is about RUN lines to be covered, and none by two
// checks, but where one rule of theirs is about two things.
func TestAliasesOfRuns(t *testing.T) {
	covered := map[string]int{}
	for _, c := range runs(new(memo)) {
		for _, a := range c.Aliases {
			covered[a]++
		}
	}
	for tool, ids := range map[string]string{
		"hadolint": "DL3001 DL3003 DL3004 DL3008 DL3009 DL3010 DL3013 DL3014 DL3015 DL3016 DL3018 DL3019 DL3027 DL3028 DL3030 DL3032 DL3033 DL3034 DL3035 DL3036 DL3037 DL3038 " +
			"DL3040 DL3041 DL3042 DL3046 DL3047 DL3059 DL3060 DL3062 DL4001 DL4005 DL4006",
		"trivy":   "DS-0010 DS-0013 DS-0014 DS-0015 DS-0017 DS-0019 DS-0020 DS-0021 DS-0024 DS-0025 DS-0027 DS-0029",
		"dockle":  "CIS-DI-0007 DKL-DI-0001 DKL-DI-0003 DKL-DI-0004 DKL-DI-0005",
		"checkov": "CKV_DOCKER_5 CKV_DOCKER_9 CKV2_DOCKER_1 CKV2_DOCKER_2 CKV2_DOCKER_3 CKV2_DOCKER_4 CKV2_DOCKER_5 CKV2_DOCKER_6 CKV2_DOCKER_7 CKV2_DOCKER_8 CKV2_DOCKER_9 CKV2_DOCKER_10 CKV2_DOCKER_11 CKV2_DOCKER_12 CKV2_DOCKER_13 CKV2_DOCKER_14 CKV2_DOCKER_15 CKV2_DOCKER_16 CKV2_DOCKER_17",
	} {
		for id := range strings.FieldsSeq(ids) {
			if n := covered[tool+"/"+id]; n != 1 && id != "DL3009" {
				t.Errorf("%s/%s is covered by %d checks", tool, id, n)
			}
		}
	}
}
