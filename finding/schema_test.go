package finding

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write docs/schema anew")

const schemaFile = "../docs/schema/report-v1.schema.json"

// TestSchema wants the published schema to be what the types of this package and their comments say.
func TestSchema(t *testing.T) {
	s := schemer{docs: comments(t), defs: map[string]any{}}
	root := s.object(reflect.TypeFor[Report]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://plimsoll.dev/schema/report-v1.schema.json"
	root["title"] = "Plimsoll report"
	root["$comment"] = "Made from the types of package finding: go test ./finding -run TestSchema -update"
	root["properties"].(map[string]any)["schema"] = map[string]any{"const": Schema}
	root["$defs"] = s.defs
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want.String()); diff != "" {
		t.Errorf("%s is not what the types say; run go test ./finding -run TestSchema -update:\n%s", schemaFile, diff)
	}
	if _, err := jsonschema.NewCompiler().Compile(schemaFile); err != nil {
		t.Error(err)
	}
}

// schemer turns types into JSON Schema (2020-12).
type schemer struct {
	docs map[string]string // by TYPE and TYPE.FIELD
	defs map[string]any
}

// words are the string types with a closed list of values.
var words = map[reflect.Type][]any{
	reflect.TypeFor[Kind](): {
		KindVulnerability, KindMisconfiguration, KindSecret, KindLicense, KindPolicy, KindMalware, KindAccess, KindNetwork, KindThreat, KindExposure,
	},
	reflect.TypeFor[Severity](): {Critical, High, Medium, Low, Info, Unknown},
	reflect.TypeFor[Status]():   {StatusFixed, StatusAffected, StatusWillNotFix, StatusDeferred, StatusEndOfLife, StatusUnimportant},
	reflect.TypeFor[Action]():   {Pass, Warn, Incomplete, Deny},
	reflect.TypeFor[Since]():    {SinceNew, SinceDisclosed, SinceKnown},
}

// narrow says more of single fields than their types do.
var narrow = map[string]map[string]any{
	"Base.By":               {"enum": []any{"flag", "annotation", "provenance", "layers"}},
	"Disagreement.What":     {"enum": []any{OnlyOurs, OnlyTheirs, OtherSeverity, OtherFix}},
	"Enforcement.Direction": {"enum": []any{"ingress", "egress"}},
	"Enforcement.Family":    {"enum": []any{"IPv4", "IPv6"}},
	"Enforcement.Placement": {"enum": []any{"same-node", "other-node"}},
	"Enforcement.Protocol":  {"enum": []any{"TCP", "UDP"}},
	"Enforcement.Result":    {"enum": []any{Enforced, Inert, Inconclusive}},
	"Finding.Deck":          {"enum": []any{Build, Ship, Admit, Run}},
	"Finding.Fingerprint":   {"pattern": "^[0-9a-f]{32}$"},
	"Finding.Published":     {"format": "date"},
	"OS.EndOfLife":          {"format": "date"},
	"Target.ID":             {"pattern": "^t[1-9][0-9]*$"},
	"Package.ID":            {"pattern": "^p[1-9][0-9]*$"},
	"Package.PURL":          {"pattern": "^pkg:"},
	"Rating.Score":          {"minimum": 0, "maximum": 10},
	"Risk.Score":            {"minimum": 0, "maximum": 100},
	"Risk.EPSS":             {"minimum": 0, "maximum": 1},
	"Risk.EPSSPercentile":   {"minimum": 0, "maximum": 1},
}

func (s *schemer) of(t reflect.Type) map[string]any {
	if values, ok := words[t]; ok {
		return map[string]any{"enum": values}
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem())
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case t.Kind() == reflect.Struct:
		if s.defs[t.Name()] == nil {
			s.defs[t.Name()] = true // known before its fields are: types may refer to themselves
			s.defs[t.Name()] = s.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	}
	kinds := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.Float64: "number"}
	return map[string]any{"type": kinds[t.Kind()]}
}

func (s *schemer) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []any{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		one := s.of(f.Type)
		key := t.Name() + "." + f.Name
		for k, v := range narrow[key] {
			one[k] = v
		}
		if d := s.docs[key]; d != "" {
			one["description"] = d
		}
		properties[name] = one
		if options == "" {
			required = append(required, name)
		}
	}
	o := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	if d := s.docs[t.Name()]; d != "" {
		o["description"] = d
	}
	return o
}

// comments gathers what the source says of each type and field of the report.
func comments(t *testing.T) map[string]string {
	docs := map[string]string{}
	for _, file := range []string{"finding.go", "opinion.go"} {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		gather(source, docs)
	}
	return docs
}

func gather(source *ast.File, docs map[string]string) {
	ast.Inspect(source, func(n ast.Node) bool {
		d, ok := n.(*ast.GenDecl)
		if !ok || d.Tok != token.TYPE {
			return true
		}
		for _, spec := range d.Specs {
			of := spec.(*ast.TypeSpec)
			docs[of.Name.Name] = oneLine(d.Doc)
			if st, ok := of.Type.(*ast.StructType); ok {
				for _, f := range st.Fields.List {
					docs[of.Name.Name+"."+f.Names[0].Name] = oneLine(f.Comment)
				}
			}
		}
		return true
	})
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
