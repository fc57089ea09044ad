package pypi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/klauspost/compress/flate"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/maven/zipdir"
)

const (
	maxOrigin  = 64 << 10 // bytes of a direct_url.json
	maxEntries = 100_000  // files in one egg
)

// readDirectURL reads what an installer notes of a package that it did not get from an index
// (packaging.python.org, "Recording the Direct URL Origin"): a repository, a folder, or an archive.
// What was installed from a folder is the project's own.
func readDirectURL(f *ecosystem.File) (ecosystem.Found, error) {
	b, err := f.ReadAll(maxOrigin)
	if err != nil {
		return ecosystem.Found{}, err
	}
	var direct struct {
		URL string `json:"url"`
		VCS *struct {
			Kind   string `json:"vcs"`
			Commit string `json:"commit_id"`
		} `json:"vcs_info"`
		Dir *struct{} `json:"dir_info"`
	}
	if err := json.Unmarshal(b, &direct); err != nil {
		return ecosystem.Found{}, err
	}
	o := ecosystem.Origin{Of: "METADATA", Main: direct.Dir != nil}
	from, err := url.Parse(direct.URL)
	if err != nil {
		return ecosystem.Found{}, errors.New("the url is none") // its text may hold a password
	}
	from.User = nil
	switch {
	case direct.VCS != nil:
		o.Qualifiers = []string{ecosystem.Repository(direct.VCS.Kind + "+" + from.String() + "#" + direct.VCS.Commit)}
	case !o.Main && from.Scheme != "file":
		from.Fragment, from.RawQuery = "", ""
		o.Qualifiers = []string{"download_url=" + from.String()}
	}
	if !o.Main && o.Qualifiers == nil {
		return ecosystem.Found{}, nil
	}
	return ecosystem.Found{Origin: &o}, nil
}

const eggMetadata = "EGG-INFO/PKG-INFO"

// readEgg reads the metadata of an egg that is run without being unpacked.
func readEgg(f *ecosystem.File) (ecosystem.Found, error) {
	r, err := f.At()
	if err != nil {
		return ecosystem.Found{}, err
	}
	d, err := zipdir.Open(r, f.Size)
	if err != nil {
		return ecosystem.Found{}, err
	}
	var found ecosystem.Found
	n := 0
	err = d.Each(func(e *zipdir.Entry) error {
		if n++; n > maxEntries {
			return ecosystem.Limit("more than %d files in one egg", maxEntries)
		}
		if string(e.Name) != eggMetadata || len(found.Packages) > 0 {
			return nil
		}
		content, err := d.Content(e)
		if err != nil {
			return err
		}
		var text io.Reader = content
		switch e.Method {
		case zipdir.Stored:
		case zipdir.Deflated:
			text = flate.NewReader(content)
		default:
			return fmt.Errorf("compression method %d", e.Method)
		}
		found, err = parseMetadata(text)
		for i := range found.Packages {
			found.Packages[i].Inner = eggMetadata
		}
		return err
	})
	return found, err
}
