// Package trait knows what is special about single files of an image: programs, capabilities in extended
// attributes, accounts, and what should not have been left there. It looks at one file at a time; what
// the container sees of them is for package inventory.
package trait

import "strings"

// Class says what a file is that is known by its path.
type Class string

// The classes. Plain is all that nobody minds.
const (
	Plain       Class = ""
	History     Class = "history"     // what a person typed
	Repository  Class = "repository"  // a version control folder
	BuildFile   Class = "build file"  // what the image was made from
	Editor      Class = "editor file" // backup copies and settings of editors and desktops
	Dump        Class = "memory dump" // with all that a process knew
	Credentials Class = "credentials" // made to hold passwords, tokens or keys
)

// byName knows files by the last part of their path.
var byName = map[string]Class{
	".bash_history": History, ".ash_history": History, ".zsh_history": History, ".sh_history": History, ".history": History,
	".python_history": History, ".node_repl_history": History, ".mysql_history": History, ".psql_history": History,
	".sqlite_history": History, ".rediscli_history": History, ".dbshell": History, ".mongorc.js": History, ".lesshst": History,
	".viminfo": History, ".wget-hsts": History, ".irb_history": History, ".php_history": History,
	"Dockerfile": BuildFile, "Containerfile": BuildFile, "docker-compose.yml": BuildFile, "docker-compose.yaml": BuildFile,
	"compose.yml": BuildFile, "compose.yaml": BuildFile, ".dockerignore": BuildFile, ".gitlab-ci.yml": BuildFile, "Jenkinsfile": BuildFile,
	".DS_Store": Editor, "Thumbs.db": Editor, "desktop.ini": Editor,
	".netrc": Credentials, "_netrc": Credentials, ".git-credentials": Credentials, ".pgpass": Credentials, ".my.cnf": Credentials,
	".npmrc": Credentials, ".yarnrc": Credentials, ".pypirc": Credentials, ".htpasswd": Credentials, ".env": Credentials,
	".dockercfg": Credentials, ".s3cfg": Credentials, ".boto": Credentials, ".terraformrc": Credentials, "terraform.tfstate": Credentials,
	"id_rsa": Credentials, "id_dsa": Credentials, "id_ecdsa": Credentials, "id_ed25519": Credentials,
	"application_default_credentials.json": Credentials, "accessTokens.json": Credentials,
}

// bySuffix knows them by the end of that part.
var bySuffix = map[string]Class{
	".swp": Editor, ".swo": Editor, ".hprof": Dump, ".dmp": Dump, ".mdmp": Dump,
	".p12": Credentials, ".pfx": Credentials, ".jks": Credentials, ".keystore": Credentials, ".kdbx": Credentials,
	".keychain": Credentials, ".ppk": Credentials, ".ovpn": Credentials, ".psafe3": Credentials,
}

// byTail knows them by that part and the folder that they stand in.
var byTail = map[string]map[string]Class{
	"HEAD":                  {".git": Repository},
	"accessTokens.json":     {".azure": Credentials},
	"branch-format":         {".bzr": Repository},
	"config":                {".kube": Credentials},
	"config.json":           {".docker": Credentials},
	"credentials":           {".aws": Credentials, ".cargo": Credentials, ".gem": Credentials},
	"credentials.db":        {"gcloud": Credentials},
	"credentials.toml":      {".cargo": Credentials},
	"hosts.yml":             {"gh": Credentials},
	"hub":                   {".config": Credentials},
	"modules.xml":           {".idea": Editor},
	"requires":              {".hg": Repository},
	"settings-security.xml": {".m2": Credentials},
	"settings.json":         {".vscode": Editor},
	"wc.db":                 {".svn": Repository},
	"workspace.xml":         {".idea": Editor},
}

// others lie in folders of software that others made: their build files are no leftovers of this image.
var others = []string{
	"/node_modules/", "/site-packages/", "/dist-packages/", "/vendor/", "/gems/", "/pkg/mod/", "/bower_components/", "/testdata/", "/examples/",
}

// Of is the class of a regular file. What the distributions put below usr is theirs, but for usr/local and usr/src.
func Of(path string) Class {
	dir, base := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, base = path[:i], path[i+1:]
	}
	c := byName[base]
	if dot := strings.LastIndexByte(base, '.'); c == Plain && dot > 0 {
		c = bySuffix[base[dot:]]
	}
	if of := byTail[base]; c == Plain && of != nil {
		c = of[dir[strings.LastIndexByte(dir, '/')+1:]]
	}
	if c == Plain && isDump(base) {
		c = Dump
	}
	if c != Plain && isTheirs(path) {
		return Plain
	}
	return c
}

// isDump knows the names that kernels give to memory dumps: core, core.PID (core(5)).
func isDump(base string) bool {
	rest, ok := strings.CutPrefix(base, "core")
	return ok && (rest == "" || rest[0] == '.' && len(rest) > 1 && strings.Trim(rest[1:], "0123456789") == "")
}

func isTheirs(path string) bool {
	if strings.HasPrefix(path, "usr/") && !strings.HasPrefix(path, "usr/local/") && !strings.HasPrefix(path, "usr/src/") {
		return true
	}
	for _, dir := range others {
		if strings.Contains("/"+path, dir) {
			return true
		}
	}
	return strings.HasPrefix(path, "proc/") || strings.HasPrefix(path, "sys/") || strings.HasPrefix(path, "etc/skel/")
}

// IsDump says of a file that is named like one, by its first bytes, whether it is a memory dump: an ELF core
// file, a Java heap or a Windows minidump.
func IsDump(head []byte) bool {
	s := string(head)
	switch {
	case strings.HasPrefix(s, "\x7fELF"):
		return len(s) >= 18 && (s[5] == 1 && s[16] == 4 || s[5] == 2 && s[17] == 4)
	case strings.HasPrefix(s, "JAVA PROFILE "), strings.HasPrefix(s, "MDMP"), strings.HasPrefix(s, "PAGEDU"):
		return true
	}
	return false
}
