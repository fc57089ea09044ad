package dockerfile

import (
	"encoding/json"
	"strings"
)

// ExecWords is the JSON array that does exactly what the command line of a CMD or ENTRYPOINT does without a
// shell; false where there is none, because the line needs one: for variables, patterns, operators, comments,
// or commands that only a shell has.
func ExecWords(in *Instruction) (string, bool) {
	s := in.Script()
	if s == nil || len(in.lines) != 1 {
		return "", false
	}
	words, ok := plainWords(s.Text)
	if !ok || len(words) == 0 || builtin(words[0]) {
		return "", false
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(words) != nil {
		return "", false
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), `","`, `", "`), true
}

// plainWords parts a command line into words as long as a shell would do nothing else with it.
func plainWords(line string) (words []string, ok bool) {
	if strings.ContainsAny(line, "$`\\*?[]{}~#!&|;<>()\n\"'=%^") {
		return nil, false
	}
	for i := range len(line) {
		if line[i] < ' ' && line[i] != '\t' || line[i] > '~' {
			return nil, false
		}
	}
	return strings.Fields(line), true
}

// builtin knows commands that a shell carries out itself.
func builtin(word string) bool {
	switch word {
	case "exec", "cd", "source", ".", ":", "export", "set", "eval", "if", "while", "for", "until", "case", "ulimit", "umask", "trap", "wait", "unset", "alias",
		"read", "exit", "return", "shift", "command", "type", "time", "function", "true", "false", "test", "echo", "printf", "kill", "pwd":
		return true
	}
	return false
}
