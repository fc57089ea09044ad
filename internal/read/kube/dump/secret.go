package dump

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/finding"
)

// Secrets are what knows secrets: the worst in a setting, NAME=VALUE, or a command, and a text without those in it.
type Secrets struct {
	Worst  func(text string) (what string, severity finding.Severity)
	Redact func(text string) string
}

// Mark stands where a secret stood, and says which sort it was.
func Mark(what string, severity finding.Severity) string {
	return fmt.Sprintf("[secret: %s, %s]", what, severity)
}

var markForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\[secret: ([^\[\]]{1,200}), (critical|high|medium|low|info|unknown)\]`)
})

// Worst tells what the mark in a text says; of a text without one, what the secret in it is.
func Worst(of func(text string) (string, finding.Severity)) func(text string) (string, finding.Severity) {
	return func(text string) (string, finding.Severity) {
		if m := markForm().FindStringSubmatch(text); m != nil {
			return m[1], finding.Severity(m[2])
		}
		return of(text)
	}
}

// hide is a copy of an object's fields without the secrets that stand in them.
func (s Secrets) hide(fields map[string]any) map[string]any {
	out, _ := s.value("", fields).(map[string]any)
	return out
}

// plain are fields that others are found by, and which no secret is in: texts, numbers, and maps of those.
var plain = []string{
	"apiVersion", "kind", "name", "namespace", "uid", "image", "imageID", "digest", "labels", "matchLabels", "ownerReferences", "creationTimestamp", "resources", "limits",
}

func (s Secrets) value(key string, v any) any {
	if slices.Contains(plain, key) && isFlat(v) {
		return v
	}
	switch v := v.(type) {
	case string:
		return s.Redact(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, of := range v {
			if text, ok := of.(string); ok && key == "annotations" { // whose name may say that it is a secret
				out[k] = strings.TrimPrefix(s.Redact(k+"="+text), k+"=")
				continue
			}
			out[k] = s.value(k, of)
		}
		return out
	case []any:
		switch key {
		case "env":
			return s.settings(v)
		case "command", "args":
			return s.words(v)
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = s.value(key, v[i])
		}
		return out
	}
	return v
}

// isFlat says that a value is no list and no map, or a map of such values.
func isFlat(v any) bool {
	switch v := v.(type) {
	case []any:
		return false
	case map[string]any:
		for _, of := range v {
			switch of.(type) {
			case map[string]any, []any:
				return false
			}
		}
	}
	return true
}

// settings are a container's variables.
func (s Secrets) settings(all []any) []any {
	out := make([]any, len(all))
	for i, v := range all {
		out[i] = v
		one, _ := v.(map[string]any)
		name, _ := one["name"].(string)
		value, _ := one["value"].(string)
		if what, severity := s.Worst(name + "=" + value); value != "" && what != "" {
			out[i] = map[string]any{"name": name, "value": Mark(what, severity)}
		}
	}
	return out
}

// words are those of a command. What a flag before it makes a secret is only seen in the whole of them; and what only its
// flag's name says to be one, as in --password WORD, no check finds, and is hidden all the same.
func (s Secrets) words(all []any) []any {
	words := texts(all)
	what, severity := s.Worst(strings.Join(words, " "))
	out, found := slices.Clone(all), false
	for i, word := range words {
		alone, after, named := "", "", ""
		alone, _ = s.Worst(word)
		if i > 0 {
			after, _ = s.Worst(words[i-1] + " " + word)
			if flag := strings.TrimLeft(words[i-1], "-"); flag != words[i-1] {
				named, _ = s.Worst(flag + "=" + word)
			}
		}
		switch {
		case what != "" && (alone != "" || after != ""):
			out[i], found = Mark(what, severity), true
		case named != "":
			out[i] = hidden
		}
	}
	switch left, _ := s.Worst(strings.Join(texts(out), " ")); {
	case what != "" && (!found || left != ""):
		return []any{Mark(what, severity)} // it goes over several words
	case what == "" && left != "":
		return []any{hidden}
	}
	return out
}

// hidden stands where something is hidden that no check would find.
const hidden = "[secret]"

func texts(all []any) []string {
	words := make([]string, len(all))
	for i := range all {
		words[i], _ = all[i].(string)
	}
	return words
}
