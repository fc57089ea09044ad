package policyfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// parse adds what one file holds. Lists that it names are read beside it.
func (s *Set) parse(from source, b []byte) error {
	docs, err := tree.Parse(from.shown, b)
	if err != nil {
		return err
	}
	p := parser{tree.Strict{Path: from.shown}, from}
	foreign := false
	for _, doc := range docs {
		switch {
		case doc.Null:
		case isForeign(doc):
			foreign = true
		default:
			p.document(doc, s)
		}
	}
	if foreign && p.Err == nil {
		return s.objects(from.shown, b)
	}
	return p.Err
}

// isForeign says that a document is an object of Kubernetes', or of others for it: a group with a dot, or v1. What is
// neither is a policy of ours, or wants to be one.
func isForeign(doc *tree.Value) bool {
	version := doc.Get("apiVersion").String()
	group, _, grouped := strings.Cut(version, "/")
	return version == "v1" || grouped && strings.Contains(group, ".") && version != ClusterVersion
}

// objects adds the objects of a file, read as Kubernetes reads them.
func (s *Set) objects(path string, b []byte) error {
	all, problems := kube.Manifest(path, b)
	for _, o := range all {
		if o.APIVersion != APIVersion && o.APIVersion != ClusterVersion {
			s.Objects = append(s.Objects, o)
		}
	}
	var errs []error
	for _, p := range problems {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

type parser struct {
	tree.Strict
	from source
}

func (p *parser) document(doc *tree.Value, into *Set) {
	p.Map(doc, "a document", []string{"apiVersion", "kind", "metadata", "spec"}, nil)
	meta, spec := doc.Get("metadata"), doc.Get("spec")
	if p.Err != nil {
		return
	}
	p.Map(meta, "metadata", []string{"name"}, []string{"annotations", "labels"})
	p.Free(meta.Get("annotations"), "annotations")
	p.Free(meta.Get("labels"), "labels")
	version, kind, name := p.text(doc, "apiVersion"), p.text(doc, "kind"), p.text(meta, "name")
	switch {
	case version.Value == ClusterVersion && kind.Value != "Policy":
		p.Wrong(kind.Line, "kind %q is none of a cluster's: use Policy, or apiVersion %s", kind.Value, APIVersion)
	case version.Value != APIVersion && version.Value != ClusterVersion:
		p.Wrong(version.Line, "apiVersion %q is not known: write %s", version.Value, APIVersion)
	case !validName().MatchString(name.Value):
		p.Wrong(name.Line, "%q is no name: use lower case letters, digits and hyphens, 63 at most", name.Value)
	}
	switch kind.Value {
	case "Policy":
		p.policy(spec, name, into)
	case "PolicyBinding":
		p.binding(spec, name, into)
	case "PolicyTest":
		p.test(spec, name, into)
	case "ValidatingAdmissionPolicy":
		p.Wrong(kind.Line, "kind ValidatingAdmissionPolicy is Kubernetes' own: write apiVersion admissionregistration.k8s.io/v1")
	default:
		p.Wrong(kind.Line, "kind %q is not known: use Policy, PolicyBinding or PolicyTest", kind.Value)
	}
}

// validName is a label of RFC 1123, as Kubernetes names things.
var validName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) })

func (p *parser) policy(v *tree.Value, name Text, into *Set) {
	p.Map(v, "the spec of a Policy", []string{"subject", "validations"},
		[]string{"action", "severity", "description", "fix", "references", "aliases", "params", "paramsFrom", "matchConditions", "variables", "kinds"})
	out := Policy{
		Name: name, Subject: p.text(v, "subject"), Kinds: p.words(v, "kinds"), Action: p.text(v, "action"), Severity: p.text(v, "severity"),
		Description: p.plain(v, "description"), Fix: p.plain(v, "fix"),
		References: p.texts(v, "references"), Aliases: p.texts(v, "aliases"),
		Conditions: p.named(v, "matchConditions"), Variables: p.named(v, "variables"),
	}
	out.Params, _ = p.params(v)
	if kinds := v.Get("kinds"); kinds != nil && len(out.Kinds) == 0 {
		p.Wrong(kinds.Line, "kinds is empty: leave it out where the policy is about all that makes pods")
	}
	for _, item := range p.List(v.Get("validations"), "validations") {
		p.Map(item, "a validation", []string{"expression"}, []string{"message", "messageExpression"})
		out.Validations = append(out.Validations, Validation{p.text(item, "expression", "bool"), p.plain(item, "message"), p.text(item, "messageExpression")})
	}
	if len(out.Validations) == 0 {
		p.Wrong(v.Line, "validations is empty: such a policy would pass everything")
	}
	into.Policies = append(into.Policies, out)
}

func (p *parser) binding(v *tree.Value, name Text, into *Set) {
	p.Map(v, "the spec of a PolicyBinding", []string{"policyName"}, []string{"action", "params", "paramsFrom"})
	out := Binding{Name: name, Policy: p.text(v, "policyName"), Action: p.text(v, "action")}
	out.Params, out.Lines = p.params(v)
	into.Bindings = append(into.Bindings, out)
}

// identifier is what CEL takes for the name of a field.
var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// params reads params and paramsFrom: values, and lists that stand in files of their own.
func (p *parser) params(v *tree.Value) (params map[string]any, lines map[string]string) {
	params, lines = map[string]any{}, map[string]string{}
	add := func(e tree.Entry, value any) {
		if lines[e.Key] != "" {
			p.Wrong(e.Line, "parameter %q stands twice", tree.Cut(e.Key))
		}
		if !identifier().MatchString(e.Key) {
			p.Wrong(e.Line, "parameter %q: a name has letters, digits and underscores", tree.Cut(e.Key))
		}
		params[e.Key], lines[e.Key] = value, fmt.Sprintf("%s:%d", p.Path, e.Line)
	}
	for _, e := range p.Free(v.Get("params"), "params") {
		add(e, p.value(e.Value))
	}
	for _, e := range p.Free(v.Get("paramsFrom"), "paramsFrom") {
		entries := Entries(p.beside(e.Value))
		if len(entries) > maxList {
			p.Wrong(e.Line, "%s has more than %d entries", e.Value.Text, maxList)
		}
		add(e, entries)
	}
	return params, lines
}

// Entries are the lines of a list file: an entry each, what follows a "#" is a comment.
func Entries(b []byte) []any {
	entries := []any{}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			entries = append(entries, line)
		}
	}
	return entries
}

// Value reads the value of a parameter as YAML writes it.
func Value(text string) (any, error) {
	docs, err := tree.Parse("value", []byte(text))
	if err != nil || len(docs) != 1 || docs[0].Null {
		return nil, fmt.Errorf("%q is no value: write a text, a number, true, false, or a list as in [a, b]", text)
	}
	p := parser{Strict: tree.Strict{Path: "value"}}
	v := p.value(docs[0])
	return v, p.Err
}

// beside reads a file that a policy names: one below the folder that was handed in.
func (p *parser) beside(v *tree.Value) []byte {
	at := p.textOf(v, "a name of a file")
	if p.from.fsys == nil {
		p.Wrong(v.Line, "%q: a policy in a cluster has no files beside it: write the list under params", tree.Cut(at.Value))
	}
	name := path.Join(path.Dir(p.from.path), at.Value)
	if p.Err != nil {
		return nil
	}
	if path.IsAbs(at.Value) || !fs.ValidPath(name) {
		p.Wrong(at.Line, "%q: name a file below the folder of the policies", at.Value)
		return nil
	}
	b, err := read(p.from.fsys, name)
	if err != nil {
		p.Wrong(at.Line, "%v", err)
	}
	return b
}

func (p *parser) named(v *tree.Value, key string) (all []Named) {
	for _, item := range p.List(v.Get(key), key) {
		p.Map(item, "an item of "+key, []string{"name", "expression"}, nil)
		one := Named{p.text(item, "name"), p.text(item, "expression", "bool")}
		if slices.ContainsFunc(all, func(o Named) bool { return o.Name.Value == one.Name.Value }) {
			p.Wrong(item.Line, "%s has two items of the name %q", key, one.Name.Value)
		}
		if key == "variables" && !identifier().MatchString(one.Name.Value) {
			p.Wrong(item.Line, "variable %q: a name has letters, digits and underscores", one.Name.Value)
		}
		all = append(all, one)
	}
	return all
}

func (p *parser) test(v *tree.Value, name Text, into *Set) {
	p.Map(v, "the spec of a PolicyTest", []string{"policy", "cases"}, []string{"params", "paramsFrom", "now"})
	out := Test{Name: name, Policy: p.text(v, "policy"), Now: p.text(v, "now", "timestamp")}
	out.Params, _ = p.params(v)
	for _, item := range p.List(v.Get("cases"), "cases") {
		out.Cases = append(out.Cases, p.testCase(item))
	}
	into.Tests = append(into.Tests, out)
}

func (p *parser) testCase(v *tree.Value) Case {
	p.Map(v, "a case", []string{"name", "expect"}, []string{"given", "report", "manifest", "message", "findings"})
	c := Case{Name: p.text(v, "name"), Expect: p.text(v, "expect"), Message: p.plain(v, "message"), Count: -1, Place: map[string]string{}}
	if given := v.Get("given"); given != nil {
		b, err := json.Marshal(p.value(given))
		if err != nil {
			p.Wrong(given.Line, "given: %v", err)
		}
		c.Given = b
		p.places(given, c.Place)
	}
	if report := v.Get("report"); report != nil {
		c.Report = p.beside(report)
	}
	if manifest := v.Get("manifest"); manifest != nil {
		c.Manifest = p.beside(manifest)
	}
	if findings := v.Get("findings"); findings != nil {
		count, ok := p.value(findings).(int64)
		if !ok || count < 0 || count > maxList {
			p.Wrong(findings.Line, "findings is to be a number")
		}
		c.Count = int(count)
	}
	given := 0
	for _, b := range [][]byte{c.Given, c.Report, c.Manifest} {
		if b != nil {
			given++
		}
	}
	if given != 1 {
		p.Wrong(v.Line, "a case has either given, report or manifest")
	}
	if !slices.Contains([]string{"pass", "warn", "deny", "error"}, c.Expect.Value) {
		p.Wrong(c.Expect.Line, "expect %q: use pass, warn, deny or error", c.Expect.Value)
	}
	return c
}

// places notes where each key stands.
func (p *parser) places(v *tree.Value, into map[string]string) {
	for _, e := range v.Map {
		into[e.Key] = fmt.Sprintf("%s:%d", p.Path, e.Line)
		p.places(e.Value, into)
	}
	for _, item := range v.List {
		p.places(item, into)
	}
}

// text reads the text under a key; what is not there is empty. What YAML takes for a number or a truth value is a text
// in quotes only, but where its type is named.
func (p *parser) text(v *tree.Value, key string, types ...string) Text {
	one := v.Get(key)
	if one == nil {
		return Text{}
	}
	return p.textOf(one, key, types...)
}

func (p *parser) textOf(v *tree.Value, what string, types ...string) Text {
	switch {
	case v.Type != "str" && !slices.Contains(types, v.Type) || !v.Scalar:
		p.Wrong(v.Line, "%s is to be a text: put it in quotes", what)
	case strings.TrimSpace(v.Text) == "":
		p.Wrong(v.Line, "%s is empty", what)
	}
	return Text{Value: v.Text, File: p.Path, Line: v.Line, block: v.Block}
}

func (p *parser) plain(v *tree.Value, key string) string {
	return strings.TrimSpace(p.text(v, key).Value)
}

func (p *parser) texts(v *tree.Value, key string) (all []string) {
	for _, word := range p.words(v, key) {
		all = append(all, strings.TrimSpace(word.Value))
	}
	return all
}

// words are texts that know where they stand.
func (p *parser) words(v *tree.Value, key string) (all []Text) {
	for _, item := range p.List(v.Get(key), key) {
		all = append(all, p.textOf(item, "an item of "+key))
	}
	return all
}

// value reads what a parameter may be: a text, a number, true or false, or lists and maps of these.
func (p *parser) value(v *tree.Value) any {
	switch {
	case v.List != nil:
		list := make([]any, len(v.List))
		for i, item := range v.List {
			list[i] = p.value(item)
		}
		return list
	case v.Map != nil:
		all := map[string]any{}
		for _, e := range v.Map {
			all[e.Key] = p.value(e.Value)
		}
		return all
	}
	var value any = v.Text
	var err error
	switch v.Type {
	case "str", "timestamp":
	case "int":
		value, err = strconv.ParseInt(strings.ReplaceAll(v.Text, "_", ""), 0, 64)
	case "float":
		value, err = strconv.ParseFloat(strings.ReplaceAll(v.Text, "_", ""), 64)
	case "bool":
		value, err = strconv.ParseBool(v.Text)
	default:
		p.Wrong(v.Line, "a value is to be a text, a number, true or false, a list or a map")
	}
	if err != nil {
		p.Wrong(v.Line, "%q is no number that fits", tree.Cut(v.Text))
	}
	return value
}
