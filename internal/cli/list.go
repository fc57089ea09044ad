package cli

import "strings"

// list is the value of a flag that has several. pflag's own write what they hold as CSV when they are
// registered, with a buffer of 4 KiB each: a third of all that the command line allocates at start.
type list struct {
	to *[]string
	at string // what parts the values of one word; "" where a word is one value
}

// repeated is a flag whose every use adds a value.
func repeated(to *[]string) list { return list{to: to} }

// parted is a flag whose every use adds values that commas part.
func parted(to *[]string) list { return list{to: to, at: ","} }

func (l list) Set(word string) error {
	if l.at == "" {
		return l.Append(word)
	}
	if word != "" {
		*l.to = append(*l.to, strings.Split(word, l.at)...)
	}
	return nil
}

func (l list) Type() string                  { return "list" }
func (l list) String() string                { return strings.Join(*l.to, ",") }
func (l list) Append(value string) error     { *l.to = append(*l.to, value); return nil }
func (l list) Replace(values []string) error { *l.to = values; return nil }
func (l list) GetSlice() []string            { return *l.to }
