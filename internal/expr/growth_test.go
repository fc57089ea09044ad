package expr

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// chain evaluates first, and then step again and again, each with the one before as any; and gives what came of
// it with the last one as any.
func chain(t *testing.T, e *Env, first, step string, times int, last string) error {
	t.Helper()
	run := func(source string, s values) (any, error) {
		p, err := e.Compile(source, Type{})
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		v, _, err := p.Value(t.Context(), s)
		return v, err
	}
	v, err := run(first, scope())
	for range times {
		if err != nil {
			return err
		}
		s := scope()
		s["any"] = v
		v, err = run(step, s)
	}
	if err != nil {
		return err
	}
	s := scope()
	s["any"] = v
	_, err = run(last, s)
	return err
}

// TestGrowth wants values that grow out of little to be met by a bound, before time or memory are gone.
func TestGrowth(t *testing.T) {
	e := library(t)
	text := fmt.Sprintf("%q", strings.Repeat("a", 100))
	for name, c := range map[string]struct {
		first, step string
		times       int
		last, want  string
	}{
		"comparing":         {"[1, 1]", "[any, any]", 60, "any == any", "costs too much"},
		"comparing maps":    {"{1: 1}", "{1: any, 2: any}", 60, "any != any", "costs too much"},
		"comparing inside":  {"[1, 1]", "[any, any]", 60, "[any] == [any]", "costs too much"},
		"looking for it":    {"[1, 1]", "[any, any]", 60, "any in [any, any]", "costs too much"},
		"sets":              {"[1, 1]", "[any, any]", 60, "sets.contains(any, any)", "costs too much"},
		"flattening":        {"[[1, 1]]", "[any, any]", 60, "dyn(any).flatten(70).size()", "costs too much"},
		"writing":           {"[1, 1]", "[any, any]", 60, `"%s".format([any])`, "costs too much"},
		"replacing":         {text, "string(any).replace('a', " + text + ")", 10, "any", "replace would give a text of more than 4194304 bytes"},
		"replacing nothing": {text, "string(any).replace('', " + text + ")", 10, "any", "replace would give"},
		"by pattern":        {text, "regex.replace(string(any), 'a', " + text + ")", 10, "any", "regex.replace"},
		"joining":           {text, "lists.range(1000).map(x, any).join()", 10, "any", "join would give"},
		"joining between":   {text, "lists.range(1000).map(x, '').join(string(any))", 10, "any", "join would give"},
		"writing again":     {text, `"%s%s%s%s%s%s%s%s".format([any, any, any, any, any, any, any, any])`, 20, "any", "format would give"},
		"adding":            {text, "string(any) + string(any)", 60, "any", "gives a text of more than 4194304 bytes"},
		"large literals":    {"lists.range(10000)", "any.map(x, [" + strings.Repeat("x, ", 2000) + "x])", 1, "any", "costs too much"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			err := chain(t, e, c.first, c.step, c.times, c.last)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 2048 || time.Since(start) > 20*time.Second {
				t.Errorf("it took %s and %d MiB", time.Since(start), made)
			}
		})
	}
	if _, err := e.Compile(`"%.900000000f".format([1.0])`, Type{}); err == nil || !strings.Contains(err.Error(), "precision") {
		t.Errorf("a number of 900,000,000 digits: %v", err)
	}
}

// TestBounded wants the functions that are bounded to mean what they mean in CEL.
func TestBounded(t *testing.T) {
	e := library(t)
	for source, want := range map[string]string{
		`"banana".replace("a", "oo")`:                  "boonoonoo",
		`"banana".replace("a", "oo", 1)`:               "boonana",
		`"banana".replace("a", "oo", -1)`:              "boonoonoo",
		`"ab".replace("", "-")`:                        "-a-b-",
		`regex.replace("banana", "a(n)?", r"<\1>", 2)`: "b<n><n>a",
		`["a", "b"].join()`:                            "ab",
		`["a", "b"].join(", ")`:                        "a, b",
		`"%s %d %.2f".format([["x"], 3, 1.5])`:         `[x] 3 1.50`,
	} {
		p, err := e.Compile(source, String)
		if err != nil {
			t.Fatal(source, err)
		}
		if got, _, err := p.Text(context.Background(), scope()); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", source, got, err, want)
		}
	}
	p, err := e.Compile(`any.join("")`, String)
	if err != nil {
		t.Fatal(err)
	}
	s := scope()
	s["any"] = []any{"a", 1}
	if _, _, err := p.Text(t.Context(), s); err == nil || errors.Is(err, errCost) {
		t.Errorf("a number is joined: %v", err)
	}
}

// TestFlat wants a search in a list of names to cost what its length is, however long the names are.
func TestFlat(t *testing.T) {
	e := library(t)
	s := scope()
	s["book"] = &book{title: "x", tags: slices.Repeat([]string{strings.Repeat("a", 1000)}, 2000)}
	p, err := e.Compile("book.title in book.tags", Bool)
	if err != nil {
		t.Fatal(err)
	}
	if _, cost, err := p.Bool(t.Context(), s); err != nil || cost > 2100 {
		t.Errorf("%d, %v", cost, err)
	}
}
