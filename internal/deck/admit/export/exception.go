package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	weighed "github.com/plimsoll/plimsoll/internal/weigh/exception"
)

var unlistedCard = admission.Unlisted

// excepted is one that lets pass what is found in pods.
type excepted struct {
	*exceptionfile.Exception
	rules *weighed.Set // it and nothing but its rules
	pod   string       // an expression that is true of the objects that it is about
	each  string       // and of the containers c; empty: of all
}

// except reads the exceptions that hold. What cannot be said is left out: it lets nothing pass that the webhook would not.
func (e *exporter) except() error {
	for i := range e.Exceptions {
		f := &e.Exceptions[i]
		for n := range f.Exceptions {
			x := &f.Exceptions[n]
			if x.Expired(e.Now) || len(x.Packages)+len(x.Paths) > 0 { // nothing in a pod answers to a package or a file
				continue
			}
			if len(x.Fingerprints)+len(x.Targets) > 0 {
				e.left(fmt.Sprintf("the exception at %s: it names a fingerprint or a target, which only Plimsoll knows", x.Place()))
				continue
			}
			ofPolicies := func(rule string) bool { return strings.HasPrefix(rule, "policy/") }
			if slices.ContainsFunc(x.Rules, ofPolicies) {
				e.left(fmt.Sprintf("the exception at %s for %s: what it lets pass is denied here", x.Place(), strings.Join(x.Rules, ", ")))
				if !slices.ContainsFunc(x.Rules, func(rule string) bool { return !ofPolicies(rule) }) {
					continue
				}
			}
			one, err := e.exception(x)
			if err != nil {
				return err
			}
			e.exceptions = append(e.exceptions, one)
		}
		if len(f.Severities) > 0 {
			e.left("the severities that " + f.Name + " gives to rules")
		}
	}
	return nil
}

func (e *exporter) exception(x *exceptionfile.Exception) (excepted, error) {
	alone := exceptionfile.File{Exceptions: []exceptionfile.Exception{{Rules: x.Rules}}}
	set, err := weighed.Compile([]exceptionfile.File{alone}, nil, e.Now)
	if err != nil {
		return excepted{}, err
	}
	var parts []string
	one := func(what string, patterns []string, exact bool) {
		if len(patterns) == 0 {
			return
		}
		var forms []string
		for _, p := range patterns {
			forms = append(forms, weighed.Pattern(p, exact))
		}
		parts = append(parts, fmt.Sprintf("%s.matches(%q)", what, strings.Join(forms, "|")))
	}
	if len(x.Kinds) > 0 {
		var low []string
		for _, k := range x.Kinds {
			low = append(low, fmt.Sprintf("%q", strings.ToLower(k)))
		}
		parts = append(parts, "kind.lowerAscii() in ["+strings.Join(low, ", ")+"]")
	}
	who := func(is string, words []string) {
		var forms []string
		for _, w := range words {
			forms = append(forms, weighed.UserPattern(w))
		}
		if len(words) > 0 {
			parts = append(parts, fmt.Sprintf(is, strings.Join(forms, "|")))
		}
	}
	who(`request.userInfo.?username.orValue("").matches(%q)`, x.Users)
	who(`request.userInfo.?groups.orValue([]).exists(g, g.matches(%q))`, x.Groups)
	one("ns", x.Namespaces, true)
	one("name", x.Names, true)
	one(`(kind + "/" + ns + "/" + name)`, x.Subjects, false)
	if !x.Until.IsZero() {
		// When an object is made, the API server has written the time into it before it asks.
		parts = append(parts, fmt.Sprintf(`dyn(object).metadata.?creationTimestamp.optMap(t, timestamp(t) < timestamp(%q)).orValue(true)`, x.Until.AddDate(0, 0, 1).Format(time.RFC3339)))
		e.left(fmt.Sprintf("the end of the exception at %s for what was made before %s and is changed later: here it ends for what is made from then on", x.Place(), x.Until.AddDate(0, 0, 1).Format(time.DateOnly)))
	}
	of := excepted{Exception: x, rules: set, pod: strings.Join(parts, " && ")}
	if len(x.Images) > 0 {
		var any []string
		for _, w := range x.Images {
			repository, digest := weighed.ImagePattern(w)
			is := "true"
			if repository != "" {
				is = fmt.Sprintf("n.matches(%q)", repository)
			}
			if digest != "" {
				is += fmt.Sprintf(" && c.image.endsWith(%q)", "@"+digest)
			}
			any = append(any, is)
		}
		of.each = fmt.Sprintf(`%s.exists(n, n != "" && (%s))`, whole(ofContainer), strings.Join(any, " || "))
	}
	return of, nil
}

// about says whether it is about what a check finds.
func (x *excepted) about(c check.Card) bool {
	if len(x.Rules) == 0 {
		return true
	}
	r := &finding.Report{Targets: []finding.Target{{ID: "t1"}}, Findings: []finding.Finding{c.Finding("t1", check.Hit{})}}
	return x.rules.Use(r).Apply() == nil && len(r.Findings[0].Suppressed) > 0
}

// but is what follows an expression that finds something, where exceptions let some of it pass: of containers c, or of
// the pod, which an exception for images is not about.
func (e *exporter) but(c check.Card, containers bool) string {
	var parts []string
	for i := range e.exceptions {
		x := &e.exceptions[i]
		if !x.about(c) || !containers && x.each != "" {
			continue
		}
		both := slices.DeleteFunc([]string{x.pod, x.each}, func(s string) bool { return s == "" })
		if len(both) == 0 {
			both = []string{"true"}
		}
		parts = append(parts, strings.Join(both, " && "))
	}
	if len(parts) == 0 {
		return ""
	}
	return " && !(" + strings.Join(parts, " || ") + ")"
}

// connected is true where an exception lets somebody into a running container.
func (e *exporter) connected() (string, error) {
	r := &expr.Rewriter{Names: map[string]string{"ns": "request.namespace", "name": "request.name", "kind": `"Pod"`}}
	var parts []string
	for i := range e.exceptions {
		x := &e.exceptions[i]
		switch {
		case !x.about(admission.Connect) || x.each != "":
			continue
		case !x.Until.IsZero():
			e.left(fmt.Sprintf("the exception at %s for what is opened into running containers: it ends on a day, and here nothing would end it", x.Place()))
			continue
		}
		text, err := r.Rewrite(cmp.Or(x.pod, "true"))
		if err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	return cmp.Or(strings.Join(parts, " || "), "false"), nil
}
