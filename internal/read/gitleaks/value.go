package gitleaks

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/plimsoll/plimsoll/internal/ecosystem/toml"
)

func tables(t value, key string) (all []value, err error) {
	switch v := t[key].(type) {
	case nil:
		return nil, nil
	case []any:
		for _, one := range v {
			m, ok := one.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s is no list of tables", key)
			}
			all = append(all, table(m))
		}
		return all, nil
	}
	return nil, fmt.Errorf("%s is no list of tables: write [[%s]]", key, key)
}

func list(t value, key string) (all []string, err error) {
	switch v := t[key].(type) {
	case nil:
		return nil, nil
	case []any:
		for _, one := range v {
			s, ok := one.(string)
			if !ok {
				return nil, fmt.Errorf("%s holds what is no string", key)
			}
			all = append(all, s)
		}
		return all, nil
	}
	return nil, fmt.Errorf("%s is no list", key)
}

// number reads a value without quotes; one that is not there is 0.
func number[N int | float64](t value, key string) (N, error) {
	v, ok := t[key].(toml.Word)
	if !ok {
		if t[key] == nil {
			return 0, nil
		}
		return 0, fmt.Errorf("%s is no number", key)
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || float64(N(f)) != f {
		return 0, fmt.Errorf("%s %q is no number that it can have", key, string(v))
	}
	return N(f), nil
}

// pattern compiles a regular expression in RE2's syntax, which Gitleaks uses; nil where there is none.
func pattern(t value, key string) (*regexp.Regexp, error) {
	s, ok := t[key].(string)
	if !ok && t[key] != nil {
		return nil, fmt.Errorf("%s is no string", key)
	}
	if s == "" {
		return nil, nil
	}
	return compile(key, s)
}

func compile(key, s string) (*regexp.Regexp, error) {
	if len(s) > maxPattern {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are taken", key, len(s), maxPattern)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (patterns are in RE2's syntax, without look-around)", key, err)
	}
	return re, nil
}

func patterns(t value, key string) (all []*regexp.Regexp, err error) {
	texts, err := list(t, key)
	if err != nil {
		return nil, err
	}
	for _, s := range texts {
		re, err := compile(key, s)
		if err != nil {
			return nil, err
		}
		all = append(all, re)
	}
	return all, nil
}
