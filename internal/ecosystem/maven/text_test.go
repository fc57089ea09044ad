package maven

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestSplitName(t *testing.T) {
	for stem, want := range map[string][2]string{
		"log4j-core-2.14.1":            {"log4j-core", "2.14.1"},
		"log4j-1.2-api-2.14.1":         {"log4j-1.2-api", "2.14.1"},
		"guava-31.1-jre":               {"guava", "31.1-jre"},
		"bcprov-jdk15on-1.70":          {"bcprov-jdk15on", "1.70"},
		"spring-core-5.3.17.RELEASE":   {"spring-core", "5.3.17.RELEASE"},
		"x-1.0-SNAPSHOT":               {"x", "1.0-SNAPSHOT"},
		"x-1.0-20240102.030405-1":      {"x", "1.0-20240102.030405-1"},
		"kotlin-stdlib-jdk8-1.9.0":     {"kotlin-stdlib-jdk8", "1.9.0"},
		"org.apache.felix.framework_7": {"org.apache.felix.framework", "7"},
		"app":                          {"app", ""},
		"geronimo-jms_1.1_spec-1.1.1":  {"geronimo-jms_1.1_spec", "1.1.1"},
		"scala-library":                {"scala-library", ""},
		"":                             {"", ""},
		"akka-actor_2.13-2.6.20":       {"akka-actor_2.13", "2.6.20"},
	} {
		artifact, version := splitName(stem)
		if artifact != want[0] || version != want[1] {
			t.Errorf("splitName(%q) = %q, %q, want %q", stem, artifact, version, want)
		}
	}
}

func TestReadPOM(t *testing.T) {
	const text = `<?xml version="1.0" encoding="ISO-8859-1"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>com.shop</groupId><artifactId>parent</artifactId><version>3</version></parent>
  <artifactId>cart</artifactId>
  <properties><log4j.version>2.14.1</log4j.version><a>${log4j.version}</a><loop>${loop}</loop></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.yaml</groupId><artifactId>snakeyaml</artifactId><version>1.33</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>${a}</version></dependency>
    <dependency><groupId>org.yaml</groupId><artifactId>snakeyaml</artifactId></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>prices</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>[4,5)</version><scope>test</scope></dependency>
    <dependency><groupId>x</groupId><artifactId>loops</artifactId><version>${loop}</version></dependency>
  </dependencies>
</project>`
	got, err := readPOM(file("pom.xml", text))
	if err != nil {
		t.Fatal(err)
	}
	want := []ecosystem.Package{
		{Type: "maven", Namespace: "com.shop", Name: "cart", Version: "3", Main: true, Declared: true},
		{Type: "maven", Namespace: "org.apache.logging.log4j", Name: "log4j-core", Version: "2.14.1", Declared: true, Line: 10},
		{Type: "maven", Namespace: "org.yaml", Name: "snakeyaml", Version: "1.33", Declared: true, Line: 11},
		{Type: "maven", Namespace: "com.shop", Name: "prices", Version: "3", Declared: true, Line: 12},
		{Type: "maven", Namespace: "junit", Name: "junit", Declared: true, Dev: true, Line: 13},
		{Type: "maven", Namespace: "x", Name: "loops", Declared: true, Line: 14},
	}
	if diff := cmp.Diff(want, got.Packages); diff != "" {
		t.Error(diff)
	}
	if len(got.Notes) != 2 {
		t.Errorf("notes: %+v", got.Notes)
	}
}

func TestReadGradleLock(t *testing.T) {
	const text = "# This is a Gradle generated file\ncom.google.guava:guava:31.1-jre=compileClasspath,runtimeClasspath\njunit:junit:4.13=testCompileClasspath,testRuntimeClasspath\nempty=annotationProcessor\n"
	got, err := readGradleLock(file("gradle.lockfile", text))
	if err != nil {
		t.Fatal(err)
	}
	want := []ecosystem.Package{
		{Type: "maven", Namespace: "com.google.guava", Name: "guava", Version: "31.1-jre", Declared: true, Line: 2},
		{Type: "maven", Namespace: "junit", Name: "junit", Version: "4.13", Declared: true, Dev: true, Line: 3},
	}
	if diff := cmp.Diff(want, got.Packages); diff != "" {
		t.Error(diff)
	}
}

// TestReadGradleLocks reads what Gradle wrote before 7.0: one file for each configuration.
func TestReadGradleLocks(t *testing.T) {
	for name, dev := range map[string]bool{"runtimeClasspath": false, "testRuntimeClasspath": true} {
		got, err := readGradleLock(file("app/gradle/dependency-locks/"+name+".lockfile", "# This is a Gradle generated file\ncom.google.guava:guava:31.1-jre\n"))
		want := []ecosystem.Package{{Type: "maven", Namespace: "com.google.guava", Name: "guava", Version: "31.1-jre", Declared: true, Dev: dev, Line: 2}}
		if diff := cmp.Diff(want, got.Packages); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestWants(t *testing.T) {
	for path, want := range map[string]bool{
		"app.jar": true, "x/APP.WAR": true, "pom.xml": true, "x/META-INF/maven/g/a/pom.xml": false,
		"x/META-INF/maven/g/a/pom.properties": true, "pom.properties": false, "gradle.lockfile": true,
		"buildscript-gradle.lockfile": true, "app/gradle/dependency-locks/runtimeClasspath.lockfile": true, "a.lockfile": false, "jar": false, "x.jar.md5": false, "a.class": false,
	} {
		if got := wants(ecosystem.Stat{Path: path}); got != want {
			t.Errorf("wants(%s) = %v", path, got)
		}
	}
}

func FuzzPOM(f *testing.F) {
	f.Add("<project><dependencies><dependency><artifactId>x</artifactId><version>${a}</version></dependency></dependencies><properties><a>1</a></properties></project>")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = readPOM(file("pom.xml", text)) })
}

func FuzzText(f *testing.F) {
	f.Add([]byte("Manifest-Version: 1.0\r\nBundle-Version: 1\r\n .2\r\n"), "log4j-1.2-api-2.14.1")
	f.Fuzz(func(_ *testing.T, b []byte, s string) {
		_ = guessCoordinates(s, parseManifest(b))
		_ = parseProperties(b)
		_, _ = readGradleLock(file("gradle.lockfile", string(b)))
		_, _ = readGradleBuild(file("build.gradle", string(b)))
	})
}
