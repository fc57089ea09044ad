package maven

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestGradleBuild(t *testing.T) {
	text := `plugins { id 'java' }
dependencies {
    implementation 'org.a:one:1.2.3'
    implementation("org.a:two:2.0@jar")
    api group: 'org.a', name: 'three', version: '3.0'
    runtimeOnly "org.a:four:$version"
    implementation project(':own')
    implementation(libs.five)
    implementation "org.a:six:1.+"
    runtimeOnly 'org.a:seven:7', 'org.a:eight:8'
    implementation(
        'org.a:nine:9')
    testImplementation 'junit:junit:4.12'
}
`
	got, err := readGradleBuild(&ecosystem.File{Stat: ecosystem.Stat{Path: "app/build.gradle", Size: int64(len(text))}, Reader: strings.NewReader(text)})
	p := func(name, version string, line int) ecosystem.Package {
		return ecosystem.Package{Type: "maven", Namespace: "org.a", Name: name, Version: version, Line: line, Declared: true}
	}
	want := ecosystem.Found{
		Packages: []ecosystem.Package{p("one", "1.2.3", 3), p("two", "2.0", 4), p("three", "3.0", 5), p("seven", "7", 10), p("eight", "8", 10)},
		Asks: &ecosystem.Asks{
			Names: []string{"org.a:one", "org.a:two", "org.a:three", "org.a:four", "org.a:six", "org.a:seven", "org.a:eight"}, More: true,
			Locks: []string{"gradle.lockfile", "gradle/dependency-locks"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
