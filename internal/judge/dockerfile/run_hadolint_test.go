package dockerfile

import (
	"slices"
	"testing"
)

// TestAsHadolint holds what hadolint's own specification says of RUN lines, in cases of ours: whoever
// comes from it finds the same. Where the two differ on purpose, the last table says why.
func TestAsHadolint(t *testing.T) {
	const lists, both = "--mount=type=cache,target=/var/lib/apt ", "--mount=type=cache,target=/var/lib/apt --mount=type=cache,target=/var/cache/apt "
	for _, c := range []struct {
		id, text string
		caught   bool
	}{
		{"DL3008", "RUN apt-get update && apt-get install python", true},
		{"DL3008", "RUN apt-get update && apt-get -yqq --no-install-recommends install nodejs=0.10", false},
		{"DL3008", "RUN apt-get install -y 'git=1:2.5.0*' \\\n 'ruby=1:2.1.*'", false},
		{"DL3008", "RUN apt-get install ./wkhtmltox_0.12.5-1.bionic_amd64.deb", false},
		{"DL3008", "RUN apt-get install -y -t bookworm-backports openjdk=8u131-b11-1~bpo8+1", false},
		{"DL3009", "RUN apt-get update && apt-get install python", true},
		{"DL3009", "RUN apt-get update && apt-get install python && rm -rf /var/lib/apt/lists/*", false},
		{"DL3009", "FROM ubuntu AS foo\nRUN apt-get update && apt-get install python\nFROM scratch\nRUN true", false},
		{"DL3009", "FROM ubuntu AS foo\nRUN apt-get update && apt-get install python\nFROM foo\nRUN true", true},
		{"DL3009", "RUN " + lists + "apt-get update && apt-get install python", false},
		{"DL3009", "RUN " + both + "rm -f /etc/apt/apt.conf.d/docker-clean && apt-get update && apt-get install python", false},
		{"DL3009", "RUN rm -f /etc/apt/apt.conf.d/docker-clean\nRUN " + both + "apt-get update && apt-get install foo", false},
		{"DL3009", "RUN --mount=type=cache,target=/var/cache/apt rm -f /etc/apt/apt.conf.d/docker-clean && apt-get update && apt-get install python", true},
		{"DL3009", "RUN rm -f /etc/apt/apt.conf.d/docker-clean\nRUN " + lists + "apt-get update && apt-get install python", true},
		{"DL3010", "COPY packaged-app.tar /usr/src/app\nRUN tar -xf /usr/src/app/packaged-app.tar", true},
		{"DL3010", "COPY packaged-app.tar /usr/src/app\nWORKDIR /usr/src/app\nRUN foo && tar -xf packaged-app.tar", true},
		{"DL3010", "COPY foo/bar/packaged-app.tar /foo.tar\nRUN tar -xf /foo.tar", true},
		{"DL3010", "COPY packaged-app.tar /usr/src/app\nFROM debian:11", false},
		{"DL3013", "RUN pip2 install MySQL_python", true},
		{"DL3013", "RUN pip3 install MySQL_python==1.2.2 --user", false},
		{"DL3013", "RUN pip3 install mypkg.whl mypkg.tar.gz . -r requirements.txt", false},
		{"DL3013", "RUN pip install MySQL_python~=1.2.2 'alabaster<0.7' 'alabaster!=0.7'", false},
		{"DL3013", "RUN pip3 install --prefix /opt/yamllint --trusted-host host yamllint==1.20.0", false},
		{"DL3013", "RUN python -m pip install --index-url url example", true},
		{"DL3013", "RUN pip install git+https://github.com/rtfd/r-ext.git@0.6-alpha#egg=r-ext", false},
		{"DL3013", "RUN pip install git+https://github.com/rtfd/read-ext.git#egg=read-ext", true},
		{"DL3013", "RUN pip install pykafka -c http://foo.bar.baz", false},
		{"DL3016", "RUN npm install --progress=false", false},
		{"DL3016", "RUN npm install @myorg/privatepackage@\">=0.1.0\" express@\"4.1.1\"", false},
		{"DL3016", "RUN npm install package-v1.2.3.tar ../folder ~/folder /folder", false},
		{"DL3016", "RUN npm install git+ssh://git@github.com:npm/npm.git#v1.0.27", false},
		{"DL3016", "RUN npm install git+ssh://git@github.com:npm/npm.git", true},
		{"DL3016", "RUN npm install git://github.com/npm/npm.git", true},
		{"DL3016", "RUN npm run --crazy install", false},
		{"DL3016", "RUN npm install @myorg/privatepackage", true},
		{"DL3016", "RUN npm install express sax@0.1.1", true},
		{"DL3016", "RUN npm install --registry https://example.com sax@0.1.1 --loglevel verbose", false},
		{"DL3016", "RUN npm install --registry=https://example.com express", true},
		{"DL3018", "RUN apk add --no-cache flex=2.6.4-r1 libffi", true},
		{"DL3018", "RUN apk add --no-cache git~2.52.0 -X https://nl.alpinelinux.org/alpine/edge/testing flow=0.78.0-r0 mypackage-1.1.1.apk", false},
		{"DL3018", "RUN apk add --virtual build-dependencies python-dev=1.1.1 && apk del build-dependencies", false},
		{"DL3042", "RUN pip install MySQL_python --no-cache-dir", false},
		{"DL3042", "RUN pipx install software && pipenv install library", false},
		{"DL3042", "ENV PIP_NO_CACHE_DIR=on\nRUN pip install MySQL_python", false},
		{"DL3042", "ENV PIP_NO_CACHE_DIR=off\nRUN pip install MySQL_python", true},
		{"DL3042", "RUN PIP_NO_CACHE_DIR=yes pip install MySQL_python", false},
		{"DL3042", "RUN PIP_NO_CACHE_DIR=no pip install MySQL_python", true},
		{"DL3042", "RUN export PIP_NO_CACHE_DIR=1 && pip install MySQL_python", false},
		{"DL3042", "RUN export PIP_NO_CACHE_DIR=0 && pip install MySQL_python", true},
		{"DL3042", "FROM debian AS base\nENV PIP_NO_CACHE_DIR=1\nFROM base\nRUN pip install six", false},
		{"DL3042", "FROM debian AS base\nENV PIP_NO_CACHE_DIR=1\nFROM debian\nRUN pip install six", true},
		{"DL3047", "RUN wget my.xyz", true},
		{"DL3047", "RUN wget -nv my.xyz && wget --progress=dot:giga my.xyz && wget -o /tmp/wget.log my.xyz && wget --append-output=/tmp/wget.log my.xyz", false},
		{"DL3059", "RUN /foo.sh\nWORKDIR /\nRUN /bar.sh", false},
		{"DL3059", "RUN /foo.sh\n# a comment\n# another\nRUN /bar.sh", true},
		{"DL3059", "RUN --mount=type=secret,id=foo /foo.sh\nRUN --mount=type=secret,id=bar /bar.sh", false},
		{"DL3059", "RUN foo && bar\nRUN foobar", false},
		{"DL3059", "RUN foobar\nRUN foo; bar", false},
		{"DL3059", "RUN foo && bar\nRUN foo\nRUN bar", true},
		{"DL3060", "RUN yarn install foo", true},
		{"DL3060", "RUN yarn install bar && yarn cache clean", false},
		{"DL3060", "FROM node AS foo\nRUN yarn install\nFROM scratch\nRUN true", false},
		{"DL4006", "RUN wget -O - https://some.site | wc -l > /number", true},
		{"DL4006", "RUN wget -O - https://some.site && wc -l file > /number", false},
		{"DL4006", "SHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN a | b", false},
		{"DL4006", "SHELL [\"/usr/local/bin/zsh\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b", false},
		{"DL4006", "SHELL [\"pwsh\", \"-c\"]\nRUN Get-Variable X | Select-Object Y", false},
		{"DL4006", "SHELL [\"cmd.exe\", \"/c\"]\nRUN a | b", false},
		{"DL4006", "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\nSHELL [\"/bin/sh\", \"-c\"]\nRUN a | b", true},

		// It calls these right or wrong, and we do not.
		{"DL4006", "SHELL [\"/bin/sh\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b", false}, // sh is bash or busybox on many images; where it is dash, the build ends
		{"DL4006", "RUN set -o pipefail && a | b", false},                                 // it holds for the RUN
	} {
		f := fileOf(t, "FROM debian:12\n"+c.text+"\n")
		caught := false
		for _, k := range runs(new(memo)) {
			caught = caught || slices.Contains(k.Aliases, "hadolint/"+c.id) && len(k.Look(f)) > 0
		}
		if caught != c.caught {
			t.Errorf("%s on %q: caught is %t", c.id, c.text, caught)
		}
	}
}
