package policy

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

func (b *baseView) reference() image.Reference {
	if b.in == nil {
		return image.Reference{}
	}
	return b.in.baseName
}

// bare is the package, or one of which nothing is known: a field of what is not there is empty.
func (p *pkg) bare() *finding.Package {
	if p.Package == nil {
		return &finding.Package{}
	}
	return p.Package
}

func packageType() *expr.Object {
	text := func(name, doc string, get func(*finding.Package) string) expr.Field {
		return expr.NewField(name, doc, expr.String, func(p *pkg) any { return get(p.bare()) })
	}
	flag := func(name, doc string, get func(*finding.Package) bool) expr.Field {
		return expr.NewField(name, doc, expr.Bool, func(p *pkg) any { return get(p.bare()) })
	}
	return expr.NewObject[pkg]("Package", "An installed or declared package.", 10_000,
		text("name", "Its name.", func(p *finding.Package) string { return p.Name }),
		text("namespace", "The group, scope or vendor before the name.", func(p *finding.Package) string { return p.Namespace }),
		text("version", "Its version.", func(p *finding.Package) string { return p.Version }),
		text("type", "The purl type: deb, apk, rpm, golang, npm …", func(p *finding.Package) string { return p.Type }),
		text("purl", "Its package URL.", func(p *finding.Package) string { return p.PURL }),
		text("arch", "The architecture.", func(p *finding.Package) string { return p.Arch }),
		text("vendor", "Who packaged it.", func(p *finding.Package) string { return p.Vendor }),
		text("maintainer", "Who maintains it.", func(p *finding.Package) string { return p.Maintainer }),
		expr.NewField("source", "The source package's name, or its own.", expr.String, func(p *pkg) any {
			if s := p.bare().Source; s != nil {
				return s.Name
			}
			return p.bare().Name
		}),
		expr.NewField("licenses", "The licences, as the package writes them.", expr.List(expr.String), func(p *pkg) any { return p.bare().Licenses }),
		expr.NewField("license", "All of them as one SPDX expression; empty where none is understood.", expr.String, func(p *pkg) any {
			if p.in == nil {
				return ""
			}
			return p.license().Expression
		}),
		expr.NewField("licenseClass", "permissive, weak-copyleft, strong-copyleft, network-copyleft, non-commercial or unknown.", expr.String, func(p *pkg) any {
			if p.in == nil {
				return "unknown"
			}
			return string(p.license().Class)
		}),
		expr.NewField("locations", "Where it stands.", expr.List(expr.Named("Location")), func(p *pkg) any { return pointers(p.bare().Locations) }),
		expr.NewField("owner", "The distribution's package whose files these are.", expr.Named("Package"), func(p *pkg) any { return p.owner }),
		expr.NewField("dependsOn", "The packages that it needs.", expr.List(expr.Named("Package")), func(p *pkg) any { return p.needs }),
		flag("base", "It came with the base image.", func(p *finding.Package) bool { return p.Base }),
		flag("declared", "A lock file names it; it was not seen installed.", func(p *finding.Package) bool { return p.Declared }),
		flag("dev", "It is declared for development only.", func(p *finding.Package) bool { return p.Dev }),
		flag("data", "Headers or data only.", func(p *finding.Package) bool { return p.Data }),
		flag("heuristic", "It is known by a version string or a file name, and not by metadata.", func(p *finding.Package) bool { return p.Heuristic }),
		flag("main", "The program or project itself.", func(p *finding.Package) bool { return p.Main }),
	)
}

func locationType() *expr.Object {
	return expr.NewObject[finding.Location]("Location", "A place in a target.", 20,
		expr.NewField("path", "Below the root.", expr.String, func(l *finding.Location) any { return l.Path }),
		expr.NewField("inner", "The path inside of an archive.", expr.String, func(l *finding.Location) any { return l.Inner }),
		expr.NewField("line", "The line; 0 where there is none.", expr.Int, func(l *finding.Location) any { return l.StartLine }),
		expr.NewField("layer", "The layer; not set where there is none.", expr.Int, func(l *finding.Location) any {
			if l.Layer == nil {
				return 0
			}
			return *l.Layer
		}),
		expr.NewField("instruction", "The instruction that made the layer.", expr.String, func(l *finding.Location) any { return l.Instruction }),
		expr.NewField("deleted", "A later layer removes it.", expr.Bool, func(l *finding.Location) any { return l.Deleted }),
	)
}

func (f *found) bare() *finding.Finding {
	if f.Finding == nil {
		return &finding.Finding{}
	}
	return f.Finding
}

func (f *found) risk() *finding.Risk {
	if r := f.bare().Risk; r != nil {
		return r
	}
	return &finding.Risk{}
}

func findingType() *expr.Object {
	text := func(name, doc string, get func(*finding.Finding) string) expr.Field {
		return expr.NewField(name, doc, expr.String, func(f *found) any { return get(f.bare()) })
	}
	return expr.NewObject[found]("Finding", "One thing that is wrong.", 20_000,
		text("rule", "CVE-2021-44228, image/root-user …", func(f *finding.Finding) string { return f.Rule }),
		expr.NewField("aliases", "Its other names.", expr.List(expr.String), func(f *found) any { return f.bare().Aliases }),
		expr.NewField("controls", "The controls of frameworks that it fails.", expr.List(expr.String), func(f *found) any { return f.bare().Controls }),
		text("kind", "vulnerability, misconfiguration, secret, license or malware.", func(f *finding.Finding) string { return string(f.Kind) }),
		text("severity", "critical, high, medium, low, info or unknown.", func(f *finding.Finding) string { return string(f.Severity) }),
		expr.NewField("rank", "The severity as a number: 5 for critical down to 0 for unknown.", expr.Int, func(f *found) any { return f.bare().Severity.Rank() }),
		text("status", "fixed, affected, will-not-fix, deferred, end-of-life or unimportant.", func(f *finding.Finding) string { return string(f.Status) }),
		text("fixedIn", "The version without it.", func(f *finding.Finding) string { return f.Fixed }),
		expr.NewField("fixable", "There is a version without it.", expr.Bool, func(f *found) any { return f.bare().Fixed != "" }),
		text("title", "What it says.", func(f *finding.Finding) string { return f.Title }),
		text("evidence", "What it stands on.", func(f *finding.Finding) string { return f.Evidence }),
		expr.NewField("published", "The day on which it became known; not set where nobody says.", expr.Time, func(f *found) any { return date(f.bare().Published) }),
		expr.NewField("score", "The risk, 0 to 100.", expr.Int, func(f *found) any { return f.risk().Score }),
		expr.NewField("epss", "The probability of exploitation within 30 days, 0 to 1.", expr.Double, func(f *found) any { return f.risk().EPSS }),
		expr.NewField("kev", "It is known to be exploited (CISA KEV).", expr.Bool, func(f *found) any { return f.risk().KEV }),
		expr.NewField("pkg", "The package that it is in.", expr.Named("Package"), func(f *found) any { return f.pkg }),
		expr.NewField("locations", "Where it stands.", expr.List(expr.Named("Location")), func(f *found) any { return pointers(f.bare().Locations) }),
		expr.NewField("opinions", "What other engines say, whose reports were merged (plimsoll report merge); empty where none were asked.", expr.List(expr.Named("Opinion")), func(f *found) any { return pointers(f.bare().Opinions) }),
		expr.NewField("exceptions", "What lets it pass; empty for those of the variable findings.", expr.List(expr.Named("Exception")), func(f *found) any { return pointers(f.bare().Suppressed) }),
	)
}

func opinionType() *expr.Object {
	return expr.NewObject[finding.Opinion]("Opinion", "What another engine, whose report was merged, says of a finding.", 20,
		expr.NewField("engine", "trivy, grype, osv-scanner, or the tool that a SARIF file names.", expr.String, func(o *finding.Opinion) any { return o.Engine }),
		expr.NewField("agrees", "It reports the finding, too.", expr.Bool, func(o *finding.Opinion) any { return o.Agrees }),
		expr.NewField("rule", "Its own id, where that is another.", expr.String, func(o *finding.Opinion) any { return o.Rule }),
		expr.NewField("severity", "Its severity, where it agrees and has one.", expr.String, func(o *finding.Opinion) any { return string(o.Severity) }),
		expr.NewField("fixedIn", "The version without it, as it has it.", expr.String, func(o *finding.Opinion) any { return o.Fixed }),
	)
}

func exceptionType() *expr.Object {
	return expr.NewObject[finding.Suppression]("Exception", "What lets a finding pass.", 20,
		expr.NewField("by", "Who: exception, vex, baseline, plimsoll …", expr.String, func(s *finding.Suppression) any { return s.By }),
		expr.NewField("reason", "Why.", expr.String, func(s *finding.Suppression) any { return s.Reason }),
		expr.NewField("owner", "Who answers for it.", expr.String, func(s *finding.Suppression) any { return s.Owner }),
		expr.NewField("ticket", "Where it is written down.", expr.String, func(s *finding.Suppression) any { return s.Ticket }),
		expr.NewField("until", "Its last day; not set where it has none.", expr.Time, func(s *finding.Suppression) any { return date(s.Until) }),
	)
}
