package pypi

import (
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/toml"
)

const maxManifest = 4 << 20 // bytes

// manifests are the files in which a project says what it needs, by name. A version that one of them
// names exactly is declared; which versions come with it only a lock file says.
var manifests = map[string]reader{
	"pyproject.toml": readProject,
	"Pipfile":        readPipfileWishes,
	"setup.py":       readSetup,
	"setup.cfg":      readSetupConfig,
}

// answering are the lock files that say what a project gets.
var answering = []string{"poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"}

func readProject(f *ecosystem.File) (ecosystem.Found, error) {
	doc, err := readTOML(f)
	var w wishes
	for _, text := range list(at(doc, "project", "dependencies")) {
		if err := w.both(text); err != nil {
			return w.found, err
		}
	}
	if err := w.table(at(doc, "tool", "poetry", "dependencies")); err != nil {
		return w.found, err
	}
	dynamic := at(doc, "tool", "setuptools", "dynamic", "dependencies", "file")
	if file, ok := dynamic.(string); ok {
		dynamic = []any{file}
	}
	for _, file := range list(dynamic) {
		if err := w.include(f.Path, file, false); err != nil {
			return w.found, err
		}
	}
	w.ask(answering)
	return w.found, err
}

func readPipfileWishes(f *ecosystem.File) (ecosystem.Found, error) {
	doc, err := readTOML(f)
	var w wishes
	if err := w.table(at(doc, "packages")); err != nil {
		return w.found, err
	}
	w.ask([]string{"Pipfile.lock"})
	return w.found, err
}

func readTOML(f *ecosystem.File) (map[string]any, error) {
	b, err := f.ReadAll(maxManifest)
	if err != nil {
		return nil, err
	}
	return toml.Parse(b)
}

// at is the value below some keys; nil where there is none.
func at(v any, keys ...string) any {
	for _, k := range keys {
		table, _ := v.(map[string]any)
		v = table[k]
	}
	return v
}

// list are the texts of an array.
func list(v any) (texts []string) {
	all, _ := v.([]any)
	for _, one := range all {
		if text, ok := one.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// both takes a requirement of a manifest: also where its version is named, what it brings is not.
func (w *wishes) both(text string) error {
	if p := pinned(text); p.Name != "" {
		if err := w.declare(p, 0); err != nil {
			return err
		}
	}
	return w.wish(text)
}

// table takes name = "version" as Poetry and Pipenv write it.
func (w *wishes) table(v any) error {
	table, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if name == "python" || !isName(name) {
			continue
		}
		version, marker := "", ""
		switch v := table[name].(type) {
		case string:
			version = v
		case map[string]any:
			if v["path"] != nil || v["optional"] == toml.Word("true") {
				continue
			}
			version, _ = v["version"].(string)
			if v["markers"] != nil || v["platform"] != nil || v["python"] != nil || v["sys_platform"] != nil {
				marker = "; python_version > \"0\""
			}
		}
		if version != "" && version[0] >= '0' && version[0] <= '9' {
			version = "==" + version // Poetry's word for one version
		}
		if err := w.both(name + version + marker); err != nil {
			return err
		}
	}
	return nil
}

// readSetupConfig reads setup.cfg: install_requires in [options], one requirement on a line.
func readSetupConfig(f *ecosystem.File) (ecosystem.Found, error) {
	var w wishes
	section, in := "", false
	err := eachLine(f.Reader, func(_ int, line string) error {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
			return nil
		case line[0] == '[':
			section, in = text, false
			return nil
		case line[0] != ' ' && line[0] != '\t':
			key, value, _ := strings.Cut(text, "=")
			in = section == "[options]" && strings.TrimSpace(key) == "install_requires"
			text = strings.TrimSpace(value)
		}
		file, isFile := strings.CutPrefix(text, "file:")
		switch {
		case !in || text == "":
			return nil
		case isFile:
			return w.include(f.Path, strings.TrimSpace(file), false)
		}
		return w.both(text)
	})
	w.ask(answering)
	return w.found, err
}

// readSetup reads setup.py as far as it can be read without running it: install_requires as a list of
// texts. What is worked out by a program is asked for and not named.
func readSetup(f *ecosystem.File) (ecosystem.Found, error) {
	b, err := f.ReadAll(maxManifest)
	if err != nil {
		return ecosystem.Found{}, err
	}
	var w wishes
	_, rest, ok := strings.Cut(string(b), "install_requires")
	for ; ok; _, rest, ok = strings.Cut(rest, "install_requires") {
		value := strings.TrimLeft(strings.TrimLeft(rest, "\"'"), " \t")
		if value == "" || value[0] != '=' && value[0] != ':' {
			continue
		}
		value = strings.TrimLeft(value[1:], " \t\r\n")
		if value == "" || value[0] != '[' {
			w.asks.More = true
			continue
		}
		texts, after := literals(value[1:])
		rest = after
		for _, text := range texts {
			if err := w.both(text); err != nil {
				return w.found, err
			}
		}
	}
	w.ask(append(slices.Clone(answering), "requirements.txt")) // which programs most often read
	return w.found, nil
}

// literals are the strings of a Python list up to its end, and what follows it.
func literals(s string) (all []string, rest string) {
	for s != "" && s[0] != ']' {
		switch s[0] {
		case '#':
			_, s, _ = strings.Cut(s, "\n")
		case '"', '\'':
			end := strings.IndexByte(s[1:], s[0])
			if end < 0 {
				return all, ""
			}
			all = append(all, s[1:end+1])
			s = s[end+2:]
		default:
			s = s[1:]
		}
	}
	return all, s
}
