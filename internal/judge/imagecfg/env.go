package imagecfg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// variables makes a check of single variables: say tells what is wrong with one, or nothing.
func variables(c check.Card, say func(f Facts, name, value string) string) Check {
	return Check{Card: c, needs: needsConfig, Look: func(f Facts) (hits []check.Hit) {
		for _, v := range f.Config.Env {
			if detail := say(f, v.Name, v.Text); detail != "" {
				hits = append(hits, check.Hit{Where: "ENV " + v.Name, Detail: detail, At: v.At, Subject: field("Env." + v.Name)})
			}
		}
		return hits
	}}
}

// isOn and isOff read a switch as most programs do.
func isOn(value string) bool {
	return slices.Contains([]string{"1", "true", "yes", "on", "*"}, strings.ToLower(strings.TrimSpace(value)))
}

func isOff(value string) bool {
	return slices.Contains([]string{"0", "false", "no", "off"}, strings.ToLower(strings.TrimSpace(value)))
}

// anyValue is for switches that any value turns on.
func anyValue(value string) bool { return value != "" }

// unverified are the variables that have programs believe any server, by the values that do.
var unverified = map[string]func(string) bool{
	"NODE_TLS_REJECT_UNAUTHORIZED": isOff, "PYTHONHTTPSVERIFY": isOff, "GIT_SSL_NO_VERIFY": anyValue, "NPM_CONFIG_STRICT_SSL": isOff,
	"npm_config_strict_ssl": isOff, "YARN_STRICT_SSL": isOff, "YARN_ENABLE_STRICT_SSL": isOff, "PIP_TRUSTED_HOST": anyValue, "DOCKER_TLS_VERIFY": isOff,
	"GOINSECURE": anyValue, "GONOSUMDB": func(v string) bool { return v == "*" }, "GOSUMDB": isOff, "CONDA_SSL_VERIFY": isOff,
	"SSL_VERIFY": isOff, "VERIFY_SSL": isOff, "REQUESTS_VERIFY": isOff, "UV_INSECURE_HOST": anyValue, "HEX_UNSAFE_HTTPS": isOn, "VAULT_SKIP_VERIFY": isOn,
	"CURL_INSECURE": isOn, "ANSIBLE_HOST_KEY_CHECKING": isOff, "BUNDLE_SSL_VERIFY_MODE": isOff, "COMPOSER_DISABLE_TLS": isOn,
}

var unverifiedTLS = variables(card("image/unverified-tls", "the environment turns off the verification of servers", finding.Medium, check.Page{
	Why: "With the switch set every program in the container believes any certificate: whoever sits on the way\n" +
		"reads and changes what it sends and installs. It also holds in images that are built on this one.",
	Fix:  "Remove the variable. To trust an own authority, add its certificate to the image and name it (`NODE_EXTRA_CA_CERTS`, `SSL_CERT_FILE`, `GIT_SSL_CAINFO`).",
	Bad:  "FROM debian:12\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\n",
	Good: "FROM debian:12\nENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/company.pem\n",
}, "checkov/CKV2_DOCKER_5", "checkov/CKV2_DOCKER_6", "checkov/CKV2_DOCKER_12", "checkov/CKV2_DOCKER_14", "checkov/CKV2_DOCKER_16"),
	func(_ Facts, name, value string) string {
		if bad := unverified[name]; bad != nil && bad(value) {
			return name
		}
		return ""
	})

var loaderEnv = variables(card("image/loader-path", "programs load libraries from where others may put them", finding.Medium, check.Page{
	Why: "LD_PRELOAD and LD_LIBRARY_PATH say which code every program loads first. An empty or relative element\n" +
		"stands for the folder that the process happens to be in; a folder like /tmp is everybody's.",
	Fix:  "Name absolute folders that only root can write, without an empty element at the end: `LD_LIBRARY_PATH=/opt/lib`.",
	Bad:  "FROM debian:12\nENV LD_LIBRARY_PATH=/opt/lib:\n",
	Good: "FROM debian:12\nENV LD_LIBRARY_PATH=/opt/lib\n",
}), func(f Facts, name, value string) string {
	if name == "LD_PRELOAD" {
		for _, file := range strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ' ' }) {
			if why := f.looseFolder(file[:strings.LastIndexByte(file, '/')+1]); why != "" && strings.Contains(file, "/") {
				return fmt.Sprintf("LD_PRELOAD names %.60q, %s", file, why)
			}
		}
	}
	if name != "LD_LIBRARY_PATH" || value == "" {
		return ""
	}
	return f.loosePath(name, value)
})

var searchPath = variables(card("image/search-path", "PATH names a folder in which others may put programs", finding.Medium, check.Page{
	Why: "A program that is called by its bare name is looked for in the folders of PATH, in their order. In one that\n" +
		"is relative, or that everybody may write, anybody can place a program of that name.",
	Fix:  "Name absolute folders that only root can write.",
	Bad:  "FROM debian:12\nENV PATH=.:/usr/bin:/bin\n",
	Good: "FROM debian:12\nENV PATH=/opt/app/bin:/usr/bin:/bin\n",
}), func(f Facts, name, value string) string {
	if name != "PATH" || value == "" || f.isWindows() {
		return ""
	}
	return f.loosePath(name, value)
})

func (f Facts) isWindows() bool { return strings.HasPrefix(f.Platform, "windows") }

// loosePath tells which folder of a list could hold what others put there.
func (f Facts) loosePath(name, value string) string {
	for dir := range strings.SplitSeq(value, ":") {
		if why := f.looseFolder(dir); why != "" {
			return fmt.Sprintf("%s has %.60q, %s", name, dir, why)
		}
	}
	return ""
}

func (f Facts) looseFolder(dir string) string {
	switch dir = strings.TrimSuffix(dir, "/"); {
	case strings.HasPrefix(dir, "$"):
		return ""
	case !strings.HasPrefix(dir, "/"):
		return "which depends on where the process is"
	case slices.Contains([]string{"/tmp", "/var/tmp", "/dev/shm"}, dir) || strings.HasPrefix(dir, "/tmp/"):
		return "which everybody may write"
	}
	if f.System != nil && f.System.Look != nil {
		if at, ok := f.System.Look(strings.TrimPrefix(dir, "/")); ok && at.Mode&0o002 != 0 {
			return "which everybody may write"
		}
	}
	return ""
}

// debugging are variables that turn on what is for developers.
var debugging = map[string]func(string) bool{
	"FLASK_DEBUG": isOn, "FLASK_ENV": isDevelopment, "DJANGO_DEBUG": isOn, "DEBUG": isOn, "APP_DEBUG": isOn, "NODE_ENV": isDevelopment,
	"RAILS_ENV": isDevelopment, "RACK_ENV": isDevelopment, "APP_ENV": isDevelopment, "ASPNETCORE_ENVIRONMENT": isDevelopment,
	"DOTNET_ENVIRONMENT": isDevelopment, "GIN_MODE": func(v string) bool { return v == "debug" }, "WERKZEUG_DEBUG_PIN": isOff, "PHP_DISPLAY_ERRORS": isOn,
}

func isDevelopment(v string) bool {
	return slices.Contains([]string{"development", "dev", "debug", "local"}, strings.ToLower(v))
}

var debugEnv = variables(card("image/debug-environment", "the environment is a developer's", finding.Low, check.Page{
	Why: "In development mode frameworks show sources and variables to whoever provokes an error, some a console;\n" +
		"a debugger in JAVA_TOOL_OPTIONS or NODE_OPTIONS runs what anybody on its port tells it to.",
	Fix:  "Set what production needs in the final stage (`ENV NODE_ENV=production`), and the rest in a stage for development or at `docker run`.",
	Bad:  "FROM debian:12\nENV FLASK_DEBUG=1\n",
	Good: "FROM debian:12\nENV NODE_ENV=production\n",
}), func(_ Facts, name, value string) string {
	if on := debugging[name]; on != nil && on(value) {
		return fmt.Sprintf("%s=%.30s", name, value)
	}
	switch name {
	case "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "CATALINA_OPTS", "NODE_OPTIONS":
		if word := debugSwitch(strings.Fields(value)); word != "" {
			return fmt.Sprintf("%s starts a debugger, %s", name, word)
		}
	}
	return ""
})

// debugSwitch finds the argument that opens a debugger's port.
func debugSwitch(args []string) string {
	for _, a := range args {
		for _, s := range []string{"-agentlib:jdwp", "-Xrunjdwp", "--inspect", "-Xdebug"} {
			if strings.HasPrefix(a, s) {
				return s
			}
		}
	}
	return ""
}
