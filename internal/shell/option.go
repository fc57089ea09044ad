package shell

import (
	"slices"
	"strings"
)

// plain gives a program its plain name: pip for pip3.12 and for python3 -m pip.
func (c *Command) plain() {
	if strings.HasPrefix(c.Name, "python") && len(c.Args) > 1 && c.Args[0].Text == "-m" {
		c.Name, c.Args = c.Args[1].Text, c.Args[2:]
	}
	if rest, ok := strings.CutPrefix(c.Name, "pip"); ok && strings.Trim(rest, "0123456789.") == "" {
		c.Name = "pip"
	}
	if c.Name == "uv" && len(c.Args) > 1 && c.Args[0].Text == "pip" {
		c.Name, c.Args = "pip", c.Args[1:]
	}
}

// valued are a program's options that take the next word as their value.
func valued(program string) string {
	switch program {
	case "curl":
		return "-o --output -H --header -d --data --data-raw --data-binary -u --user -A --user-agent -b --cookie -c --cookie-jar -e --referer -E --cert -F --form -K --config -m --max-time -T --upload-file -w --write-out -x --proxy -X --request -y -Y -z --time-cond -C --continue-at -D --dump-header -Q -r --range -U --proxy-user --retry --retry-delay --retry-max-time --connect-timeout --cacert --capath --key --url --resolve --limit-rate --proto --proto-redir --proto-default --tls-max --ciphers --output-dir --max-redirs --interface --oauth2-bearer --aws-sigv4 --netrc-file --pinnedpubkey"
	case "wget":
		return "-O --output-document -P --directory-prefix -o --output-file -a --append-output -i --input-file -t --tries -T --timeout -w --wait -U --user-agent --header --user --password --http-user --http-password --post-data -e --execute -D -A -R -X -I -Q -l --level --cut-dirs --ca-certificate --certificate --private-key --dns-timeout --read-timeout --connect-timeout --waitretry --secure-protocol"
	case "apt-get", "apt", "aptitude":
		return "-o --option -c --config-file -t --target-release --default-release -a --host-architecture"
	case "apk":
		return "-t --virtual -X --repository -p --root --keys-dir --repositories-file --cache-dir --wait --arch --timeout --progress-fd --cache-max-age"
	case "pip":
		return "-r --requirement -c --constraint -i --index-url --extra-index-url -f --find-links -t --target --prefix --root --trusted-host --cache-dir --timeout --default-timeout --retries --proxy --cert --client-cert --log --platform --python-version --implementation --abi --no-binary --only-binary --progress-bar --src --upgrade-strategy --global-option --install-option --config-settings -C --report --python -p -e --editable --index --torch-backend"
	case "npm", "yarn", "pnpm":
		return "--prefix --registry --cache --loglevel --omit --include --only --tag -C --cwd --workspace -w --userconfig --globalconfig --network-timeout --cache-folder --network-concurrency --modules-folder --fetch-timeout --fetch-retries --jobs --python --store-dir --filter -F --mutex --dir"
	case "gem":
		return "-v --version -i --install-dir -n --bindir -P --trust-policy -s --source --platform -p --http-proxy --config-file -B --build-root"
	case "yum", "dnf", "microdnf", "tdnf":
		return "--enablerepo --disablerepo --repo --repoid --setopt --releasever -c --config --installroot -x --exclude --disableplugin --enableplugin --repofrompath --forcearch --comment -d -e -R"
	case "zypper":
		return "-R --root -D --reposd-dir -r --repo -p --plus-repo --plus-content --from -t --type --installroot -C --cache-dir"
	case "git":
		return "-c -C --git-dir --work-tree -b --branch --depth -o --origin --reference -j --jobs --config --filter --separate-git-dir --shallow-since -u --upload-pack --template --server-option"
	case "go":
		return "-ldflags -tags -mod -o -p -gcflags -asmflags -C -modfile"
	case "useradd", "usermod", "adduser", "addgroup", "groupadd":
		return "-u --uid -g --gid -G --groups -d --home --home-dir -c --comment -s --shell -p --password -k --skel -e --expiredate -f --inactive -K --key -b --base-dir -h --ingroup --gecos -l --login"
	case "chmod":
		return "--reference"
	case "mkdir", "install":
		return "-m --mode -o --owner -g --group -t --target-directory -S"
	case "rpm":
		return "--root --dbpath --define -D --eval -E --prefix"
	}
	return ""
}

// takes says that a program's option takes the next word as its value.
func takes(program, option string) bool {
	return among(valued(program), option)
}

// among says that a word is one of several that are parted by blanks.
func among(all, word string) bool {
	for word != "" {
		i := strings.Index(all, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || all[i-1] == ' ') && (end == len(all) || all[end] == ' ') {
			return true
		}
		all = all[end:]
	}
	return false
}

// given is one of a command's, with its value where it has one.
type given struct {
	name  string // --output, or -o, also where it stands in -fsSLo
	value *Word
}

// parts tells options from operands. Short options may stand together; a value may stand in the same word.
func (c *Command) parts() (options []given, operands []Word) {
	for i := 0; i < len(c.Args); i++ {
		a := c.Args[i]
		if a.Text == "--" {
			return options, append(operands, c.Args[i+1:]...)
		}
		if len(a.Text) < 2 || a.Text[0] != '-' {
			operands = append(operands, a)
			continue
		}
		var next *Word
		if i+1 < len(c.Args) {
			next = &c.Args[i+1]
		}
		found, used := optionsOf(c.Name, a, next)
		options = append(options, found...)
		if used {
			i++
		}
	}
	return options, operands
}

func optionsOf(program string, a Word, next *Word) (found []given, used bool) {
	name, value, has := strings.Cut(a.Text, "=")
	if strings.HasPrefix(a.Text, "--") || program == "go" || program == "find" {
		if has {
			v := a
			v.Text = value
			return []given{{name, &v}}, false
		}
		if takes(program, name) && next != nil {
			return []given{{name, next}}, true
		}
		return []given{{name, nil}}, false
	}
	if program == "wget" && (strings.HasPrefix(a.Text, "-nv") || strings.HasPrefix(a.Text, "-nc") || strings.HasPrefix(a.Text, "-nd")) {
		return []given{{a.Text[:3], nil}}, false
	}
	for i, letter := range a.Text[1:] {
		short := "-" + string(letter)
		if !takes(program, short) {
			found = append(found, given{short, nil})
			continue
		}
		if rest := a.Text[1+i+len(string(letter)):]; rest != "" {
			v := a
			v.Text = strings.TrimPrefix(rest, "=")
			return append(found, given{short, &v}), false
		}
		return append(found, given{short, next}), next != nil
	}
	return found, false
}

// Has says that a command has one of the options.
func (c *Command) Has(names ...string) bool {
	options, _ := c.parts()
	return slices.ContainsFunc(options, func(o given) bool { return slices.Contains(names, o.name) })
}

// Value is what one of the options is given; nil when it is not there.
func (c *Command) Value(names ...string) *Word {
	options, _ := c.parts()
	for i := len(options) - 1; i >= 0; i-- {
		if slices.Contains(names, options[i].name) && options[i].value != nil {
			return options[i].value
		}
	}
	return nil
}

// Operands are the words that are no options and no values of any.
func (c *Command) Operands() []Word {
	_, rest := c.parts()
	return rest
}

// Sub is what a command is told to do, install say, and what with.
func (c *Command) Sub() (verb string, rest []Word) {
	rest = c.Operands()
	if len(rest) == 0 {
		return "", nil
	}
	return rest[0].Text, rest[1:]
}

// Is says that a command is one of the programs.
func (c *Command) Is(names ...string) bool { return slices.Contains(names, c.Name) }

// Does says that a command is one of the programs, told to do one of the verbs.
func (c *Command) Does(programs, verbs string) bool {
	if !among(programs, c.Name) {
		return false
	}
	verb, _ := c.Sub()
	return among(verbs, verb)
}
