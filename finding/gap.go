package finding

// Unread says that something was there and not listed, so that the list of packages may be short. The
// other classes are about packages that are listed.
func (g Gap) Unread() bool { return gapClasses[g.Class].unread }

// Broke says that reading failed, and not only that nothing is known. Such a gap stands even when the
// gate only reports: a report of half an image is not a report of the image.
func (g Gap) Broke() bool { return gapClasses[g.Class].broke }

// GapSkipped is the class of what the caller asked to pass over.
const GapSkipped = "skipped"

// gapClass is what a class of gap means for the report as a whole.
type gapClass struct{ unread, broke bool }

// gapClasses holds the classes that mean something; catalog explains all there are.
var gapClasses = map[string]gapClass{
	"digest-mismatch":     {unread: true, broke: true},
	"interrupted":         {unread: true, broke: true},
	"limit-reached":       {unread: true, broke: true},
	"unreadable-database": {unread: true, broke: true},
	"unreadable-file":     {unread: true, broke: true},
	"unreadable-layer":    {unread: true, broke: true},
	"unreadable-package":  {unread: true, broke: true},
	// Nothing failed: the image is made so and says so, or the caller wanted it.
	"foreign-layer":   {unread: true},
	"incomplete-sbom": {unread: true},
	"no-database":     {unread: true},
	"packed-program":  {unread: true},
	GapSkipped:        {unread: true},
	// Nothing of it is listed that could be short.
	"platform-missing":   {broke: true},
	"unreachable-target": {broke: true},
}
