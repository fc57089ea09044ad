package expr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

type shelf struct {
	name  string
	books []*book
}

type book struct {
	title  string
	pages  int
	tags   []string
	labels map[string]string
	on     *shelf
	added  time.Time
}

var errUnread = errors.New("nobody has counted")

func library(t testing.TB) *Env {
	t.Helper()
	books := NewObject[book]("Book", "a book", 10_000,
		NewField("title", "", String, func(b *book) any { return b.title }),
		NewField("pages", "", Int, func(b *book) any {
			if b.pages < 0 {
				return errUnread
			}
			return b.pages
		}),
		NewField("tags", "", List(String), func(b *book) any { return b.tags }),
		NewField("labels", "", Map(String), func(b *book) any { return b.labels }),
		NewField("added", "", Time, func(b *book) any { return b.added }),
		NewField("shelf", "", Named("Shelf"), func(b *book) any { return b.on }),
	)
	shelves := NewObject[shelf]("Shelf", "a shelf", 100,
		NewField("name", "", String, func(s *shelf) any { return s.name }),
		NewField("books", "", List(Named("Book")), func(s *shelf) any { return s.books }),
	)
	e, err := New([]*Object{books, shelves}, []Variable{
		{Name: "book", Type: Named("Book")}, {Name: "books", Type: List(Named("Book"))}, {Name: "now", Type: Time}, {Name: "any", Type: Dyn}, {Name: "lost", Type: String},
	}, []Function{
		{Name: "shout", Member: true, Params: []Type{String}, Result: String, Call: func(a []any) (any, error) { return strings.ToUpper(a[0].(string)), nil }},
		{Name: "anyOf", Params: []Type{List(String), String}, Result: Bool, Call: func(a []any) (any, error) {
			if a[1] == "" {
				return nil, errors.New("nothing to look for")
			}
			return strings.Contains(strings.Join(a[0].([]string), " "), a[1].(string)), nil
		}},
		{Name: "heavy", Member: true, Params: []Type{Named("Book")}, Result: Bool, Call: func(a []any) (any, error) { return a[0].(*book).pages > 500, nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

type values map[string]any

func (v values) Value(name string) (any, error) {
	if err, ok := v[name].(error); ok {
		return nil, err
	}
	return v[name], nil
}

func scope() values {
	on := &shelf{name: "top"}
	b := &book{title: "Emma", pages: 512, tags: []string{"novel"}, labels: map[string]string{"by": "Austen"}, on: on, added: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	on.books = []*book{b, {title: "Ulysses", pages: 730}, {title: "lost", pages: -1}}
	return values{"book": b, "books": on.books, "now": time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), "any": b, "lost": errUnread}
}

func TestEvaluate(t *testing.T) {
	e := library(t)
	for source, want := range map[string]bool{
		`book.title == "Emma" && book.pages > 500`:                    true,
		`book.tags.exists(x, x == "novel")`:                           true,
		`book.labels["by"] == "Austen" && book.labels.by == "Austen"`: true,
		`"of" in book.labels`:                                         false,
		`has(book.shelf) && book.shelf.name == "top"`:                 true,
		`has(books[1].shelf)`:                                         false,
		`books[1].shelf.name == ""`:                                   true, // what is not there reads as nothing
		`book.shelf.books[0].shelf.books.size() == 3`:                 true,
		`now - book.added > duration("480h")`:                         true,
		`book.title.shout() == "EMMA" && anyOf(book.tags, "nov")`:     true,
		`book.heavy()`:                    true,
		`any.title == "Emma"`:             true,
		`any.tags[0] == "novel"`:          true,
		`book == any && book != books[1]`: true,
		`has(books[2].pages)`:             false, // not known is not there
		`books.filter(b, b.title != "lost").all(b, b.pages > 1)`:            true,
		`"a,b".split(",").size() == 2 && [1, 2].sort()[0] == 1`:             true,
		`sets.contains(["a"], ["a"]) && math.greatest(1, 2) == 2`:           true,
		`cel.bind(x, book.pages, x + x == 1024)`:                            true,
		`regex.extract(book.title, "E(m+)a").orValue("") == "mm"`:           true,
		`book.labels.all(k, v, k != v)`:                                     true,
		`{"a": 1}[?"b"].orValue(3) == 3`:                                    true,
		`type(book) == Book`:                                                true,
		`books.map(b, b.title).join("+") == "Emma+Ulysses+lost"`:            true,
		`"%s has %d".format([book.title, book.pages]) == "Emma has 512"`:    true,
		`timestamp("2026-01-02T00:00:00Z") == book.added`:                   true,
		`book.pages > 500.5`:                                                true,
		`book.title.matches("^E.*a$") && !book.title.matches(book.tags[0])`: true,
	} {
		p, err := e.Compile(source, Bool)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got, cost, err := p.Bool(context.Background(), scope()); got != want || err != nil || cost == 0 && !strings.HasPrefix(source, "has") {
			t.Errorf("%s: %v, cost %d, %v", source, got, cost, err)
		}
	}
}

func TestRunTimeErrors(t *testing.T) {
	e := library(t)
	for source, want := range map[string]string{
		`books[2].pages > 1`:                    "nobody has counted",
		`books.all(b, b.pages > 1)`:             "nobody has counted",
		`lost == "x"`:                           "nobody has counted",
		`book.tags[5] == "x"`:                   "index out of bounds",
		`book.labels["of"] == "x"`:              "no such key",
		`any.titel == "x"`:                      `no field "titel"`,
		`anyOf(book.tags, "")`:                  "nothing to look for",
		`any == 1 || any.pages.startsWith("x")`: "no such overload",
		`1 / (book.pages - 512) == 1`:           "division by zero",
		`int("x" + book.title) == 1`:            "type conversion error",
		`dyn(book.pages)`:                       "not true or false",
		`9223372036854775807 + book.pages == 1`: "overflow",
		`timestamp(book.title) < now`:           "type conversion",
		`anyOf(dyn([1]), book.title)`:           "no such overload",
		`duration(book.title) > duration("1s")`: "type conversion",
		`"x".matches("(" + book.title)`:         "missing",
		`lists.range(20000).size() > 1000`:      "maximum allowed",
	} {
		p, err := e.Compile(source, Bool)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if _, _, err := p.Bool(context.Background(), scope()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}

func TestDoesNotCompile(t *testing.T) {
	e := library(t)
	deep := strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200) + " == 1"
	for source, want := range map[string]string{
		"book.titel == 'x'":                  `1:5: there is no field "titel" here; did you mean "title"?`,
		"book.books.size() == 1":             `1:5: there is no field "books" here; "books" is a variable of its own`,
		"book.name == 'x'":                   `1:5: there is no field "name" here`,
		"true &&\n  bok.title == 'x'":        `2:3: "bok" is neither a variable nor a function; did you mean "book"?`,
		"book.title == 1":                    "1:12: found no matching overload",
		"book.title":                         "type string, and is to give one of type bool",
		"book.title ==":                      "1:14: Syntax error: it ends where something more has to stand",
		"":                                   "1:1: Syntax error",
		deep:                                 "",
		"'x'.matches('(')":                   "1:13: invalid matches argument",
		"now > timestamp('yesterday')":       "invalid timestamp argument",
		"[1, 'x'].size() == 2":               "expected type 'int' but found 'string'",
		"Book{title: 'x'}.pages == 1 || 1":   "1",
		strings.Repeat("a", maxLetters+1):    "size exceeds",
		"books.all(a, books.all(b, a == b))": "may cost up to",
		"books.all(a, a.tags.all(b, a.tags.all(c, a.tags.all(d, b == d && c == d))))": "comprehension exceeds nesting limit",
		"nosuch(1)": `"nosuch" is neither a variable nor a function`,
	} {
		_, err := e.Compile(source, Bool)
		var at *Error
		if !errors.As(err, &at) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", source, err, want)
		}
	}
}

// TestBounds wants an expression that was thought cheap and is not to be stopped, and one whose context ends.
func TestBounds(t *testing.T) {
	e := library(t)
	p, err := e.Compile(`book.tags.all(a, book.tags.all(b, (a + b).size() >= 0))`, Bool)
	if err != nil {
		t.Fatal(err)
	}
	many := scope()
	many["book"] = &book{tags: make([]string, 20_000)}
	start := time.Now()
	if _, cost, err := p.Bool(context.Background(), many); !errors.Is(err, errCost) && !strings.Contains(fmt.Sprint(err), "cost") {
		t.Errorf("cost %d, %v", cost, err)
	}
	t.Logf("stopped after %s", time.Since(start))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	start = time.Now()
	if _, _, err := p.Bool(ctx, many); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestWith(t *testing.T) {
	e := library(t)
	params := NewObject[values]("Params", "", 0, NewField("most", "", Int, func(v *values) any { return (*v)["most"] }))
	more, err := e.With([]*Object{params}, []Variable{{Name: "params", Type: params.Type()}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := more.Compile("book.pages <= params.most && books.exists(b, b.heavy())", Bool)
	if err != nil {
		t.Fatal(err)
	}
	s := scope()
	s["params"] = &values{"most": int64(600)}
	if ok, _, err := p.Bool(context.Background(), s); !ok || err != nil {
		t.Error(ok, err)
	}
	if _, err := e.Compile("params.most == 1", Bool); err == nil {
		t.Error("an environment knows what only its extension declares")
	}
	if _, err := more.Compile("params.mots == 1", Bool); err == nil || !strings.Contains(err.Error(), `did you mean "most"`) {
		t.Error(err)
	}
}

func TestWords(t *testing.T) {
	if got := Map(List(Named("Book"))).String(); got != "map<string, list<Book>>" {
		t.Error(got)
	}
	f := Function{Name: "glob", Member: true, Params: []Type{String, List(String)}, Result: Bool}
	if got := f.Signature(); got != "string.glob(list<string>) -> bool" {
		t.Error(got)
	}
	if got := Time.String() + Duration.String(); got != "timestampduration" {
		t.Error(got)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	e := library(b)
	for name, source := range map[string]string{"field": `book.title != "curl"`, "list": `!(book.title in ["apt", "yum", "curl"])`, "loop": `book.tags.all(t, t != "x")`} {
		p, err := e.Compile(source, Bool)
		if err != nil {
			b.Fatal(err)
		}
		s := scope()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.Bool(context.Background(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`book.title == "x"`, "books.all(b, b.pages > 1)", "book.", "(((", `"\xff"`, "{1:2}[?3]", "a.b.c", "[1,2].map(x, x+1)"} {
		f.Add(s)
	}
	e := library(f)
	s := scope()
	f.Fuzz(func(t *testing.T, source string) {
		p, err := e.Compile(source, Type{})
		if err != nil {
			var at *Error
			if !errors.As(err, &at) || at.Line < 1 || at.Column < 1 {
				t.Errorf("%q: no place: %v", source, err)
			}
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, cost, _ := p.Value(ctx, s); cost > maxCost {
			t.Errorf("%q costs %d", source, cost)
		}
	})
}

// TestUnknown wants an evaluation that depends on what is not known yet to have no result, has() included; and one
// that does not depend on it to have its own.
func TestUnknown(t *testing.T) {
	plan := NewObject[book]("Plan", "", 0,
		NewField("title", "", String, func(b *book) any { return b.title }),
		NewField("pages", "", Int, func(*book) any { return &Unknown{"nobody has written it"} }),
		NewField("tags", "", List(String), func(*book) any { return errUnread }),
	)
	plan.Unsure = true
	e, err := New([]*Object{plan}, []Variable{{Name: "plan", Type: Named("Plan")}, {Name: "any", Type: Dyn}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	of := &book{title: "Emma"}
	for source, want := range map[string]string{
		`plan.pages > 1`: "unknown", `!(plan.pages > 1)`: "unknown", `has(plan.pages)`: "unknown", `!has(plan.pages)`: "unknown", `any.pages == 1`: "unknown", `has(any.pages)`: "unknown",
		`has(plan.pages) ? true : false`: "unknown", `[1, 2].all(x, x < plan.pages)`: "unknown", `plan.pages in [1]`: "unknown", `string(plan.pages) == "1"`: "unknown",
		`true || plan.pages > 1`: "true", `plan.pages > 1 || true`: "true", `plan.pages > 1 && false`: "false", `has(plan.title)`: "true", `plan.title == "Emma"`: "true",
		`has(plan.tags)`: "false", `plan.tags.size() == 0`: "error", `any.nothing == 1`: "error",
	} {
		p, err := e.Compile(source, Bool)
		if err != nil {
			t.Fatal(source, err)
		}
		got := "error"
		ok, _, err := p.Bool(t.Context(), values{"plan": of, "any": of})
		var unknown *Unknown
		if err == nil {
			got = fmt.Sprint(ok)
		} else if errors.As(err, &unknown) {
			got = "unknown"
		}
		if got != want {
			t.Errorf("%s: %s (%v), want %s", source, got, err, want)
		}
	}
}

// TestBrief wants no list of all that could stand where a wrong word does.
func TestBrief(t *testing.T) {
	e := library(t)
	for _, source := range []string{"book.title ==", "1 +", "1 + )", "", "[1,,2]", "a ? b"} {
		_, err := e.Compile(source, Bool)
		if err == nil || strings.Contains(err.Error(), "expecting {") || !strings.Contains(err.Error(), "Syntax error: ") {
			t.Errorf("%q: %v", source, err)
		}
	}
}
