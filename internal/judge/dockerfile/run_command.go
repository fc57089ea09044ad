package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/shell"
)

// within says that a path is a folder or lies in it.
func within(at, folder string) bool {
	at, folder = path.Clean("/"+at), path.Clean("/"+folder)
	return folder == "/" || at == folder || strings.HasPrefix(at, folder+"/")
}

// removes says that a command deletes a path, a folder above it or what is in it.
func removes(c *shell.Command, at string) bool {
	if !c.Is("rm", "find", "shred", "unlink") {
		return false
	}
	if c.Name == "find" && !slices.ContainsFunc(c.Args, func(a shell.Word) bool { return a.Text == "-delete" || a.Text == "-exec" }) {
		return false
	}
	return slices.ContainsFunc(c.Operands(), func(a shell.Word) bool {
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
