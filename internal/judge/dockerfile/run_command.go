package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/dockerfile/shell"
)

// plain gives a program its plain name: pip for pip3.12 and for python3 -m pip.
func plain(c *shell.Command) {
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
	all := " " + valued(program) + " "
	return strings.Contains(all, " "+option+" ")
}

// option is one of a command's, with its value where it has one.
type option struct {
	name  string // --output, or -o, also where it stands in -fsSLo
	value *shell.Word
}

// parts tells options from operands. Short options may stand together; a value may stand in the same word.
func parts(c *shell.Command) (options []option, operands []shell.Word) {
	for i := 0; i < len(c.Args); i++ {
		a := c.Args[i]
		if a.Text == "--" {
			return options, append(operands, c.Args[i+1:]...)
		}
		if len(a.Text) < 2 || a.Text[0] != '-' {
			operands = append(operands, a)
			continue
		}
		var next *shell.Word
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

func optionsOf(program string, a shell.Word, next *shell.Word) (found []option, used bool) {
	name, value, has := strings.Cut(a.Text, "=")
	if strings.HasPrefix(a.Text, "--") || program == "go" || program == "find" {
		if has {
			v := a
			v.Text = value
			return []option{{name, &v}}, false
		}
		if takes(program, name) && next != nil {
			return []option{{name, next}}, true
		}
		return []option{{name, nil}}, false
	}
	if program == "wget" && (strings.HasPrefix(a.Text, "-nv") || strings.HasPrefix(a.Text, "-nc") || strings.HasPrefix(a.Text, "-nd")) {
		return []option{{a.Text[:3], nil}}, false
	}
	for i, letter := range a.Text[1:] {
		short := "-" + string(letter)
		if !takes(program, short) {
			found = append(found, option{short, nil})
			continue
		}
		if rest := a.Text[1+i+len(string(letter)):]; rest != "" {
			v := a
			v.Text = strings.TrimPrefix(rest, "=")
			return append(found, option{short, &v}), false
		}
		return append(found, option{short, next}), next != nil
	}
	return found, false
}

// has says that a command has one of the options.
func has(c *shell.Command, names ...string) bool {
	options, _ := parts(c)
	return slices.ContainsFunc(options, func(o option) bool { return slices.Contains(names, o.name) })
}

// value is what one of the options is given; nil when it is not there.
func value(c *shell.Command, names ...string) *shell.Word {
	options, _ := parts(c)
	for i := len(options) - 1; i >= 0; i-- {
		if slices.Contains(names, options[i].name) && options[i].value != nil {
			return options[i].value
		}
	}
	return nil
}

// operands are the words that are no options and no values of any.
func operands(c *shell.Command) []shell.Word {
	_, rest := parts(c)
	return rest
}

// sub is what a command is told to do, install say, and what with.
func sub(c *shell.Command) (verb string, rest []shell.Word) {
	rest = operands(c)
	if len(rest) == 0 {
		return "", nil
	}
	return rest[0].Text, rest[1:]
}

// is says that a command is one of the programs.
func is(c *shell.Command, names ...string) bool { return slices.Contains(names, c.Name) }

// does says that a command is one of the programs, told to do one of the verbs.
func does(c *shell.Command, programs, verbs string) bool {
	if !slices.Contains(strings.Fields(programs), c.Name) {
		return false
	}
	verb, _ := sub(c)
	return slices.Contains(strings.Fields(verbs), verb)
}

// within says that a path is a folder or lies in it.
func within(at, folder string) bool {
	at, folder = path.Clean("/"+at), path.Clean("/"+folder)
	return folder == "/" || at == folder || strings.HasPrefix(at, folder+"/")
}

// removes says that a command deletes a path, a folder above it or what is in it.
func removes(c *shell.Command, at string) bool {
	if !is(c, "rm", "find", "shred", "unlink") {
		return false
	}
	if c.Name == "find" && !slices.ContainsFunc(c.Args, func(a shell.Word) bool { return a.Text == "-delete" || a.Text == "-exec" }) {
		return false
	}
	return slices.ContainsFunc(operands(c), func(a shell.Word) bool {
		for _, one := range braces(a.Text) {
			one = strings.TrimSuffix(strings.TrimSuffix(one, "*"), "/")
			if one != "" && (at == one || within(at, one) && strings.HasPrefix(one, "/")) {
				return true
			}
		}
		return false
	})
}

// braces are the words that bash makes of one with {a,b} in it.
func braces(word string) []string {
	open := strings.IndexByte(word, '{')
	end := strings.IndexByte(word, '}')
	if open < 0 || end < open || !strings.Contains(word[open:end], ",") {
		return []string{word}
	}
	var all []string
	for _, one := range strings.Split(word[open+1:end], ",") {
		all = append(all, word[:open]+one+word[end+1:])
	}
	return all
}

// written is a command as a person may write it, shortened, with its secrets left out: name and verb.
func written(c *shell.Command, words ...string) string {
	return strings.Join(append([]string{c.Name}, words...), " ")
}
