package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Mirror is a place that has a database as `db export` writes it: manifest.json, its signature and the
// shards by their digests.
type Mirror struct {
	Name string // for people

	// Local says that the files are taken as they are, as those of this machine's own disk: no signature
	// is needed. One that is there and is by a trusted key must hold all the same.
	Local bool

	// Fetch asks for one file. A file that is not there is an error that wraps fs.ErrNotExist. Fetch and
	// the body that it returns end when ctx does.
	Fetch func(ctx context.Context, r Request) (Answer, error)
}

// Request asks a mirror for one file.
type Request struct {
	Name   string
	Offset int64  // the first byte that is wanted
	Tag    string // of an earlier answer: no body is wanted while the mirror would give the same tag
}

// Answer is a file, or the rest of one.
type Answer struct {
	Body      io.ReadCloser // nil when Unchanged
	Offset    int64         // of the body's first byte: the request's, or 0 where only whole files are given
	Tag       string        // names this state of the file; may be empty
	Unchanged bool
}

// Folder is a mirror on this machine's disk, or mounted there.
func Folder(dir string) Mirror {
	return Mirror{Name: dir, Local: true, Fetch: func(_ context.Context, r Request) (Answer, error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return Answer{}, err
		}
		defer root.Close()
		f, err := root.Open(r.Name)
		if err != nil {
			return Answer{}, err
		}
		if _, err := f.Seek(r.Offset, io.SeekStart); err != nil {
			f.Close()
			return Answer{}, err
		}
		return Answer{Body: f, Offset: r.Offset}, nil
	}}
}

// HTTP is a mirror at an http or https address. Tags are ETags, offsets are byte ranges (RFC 9110 §13,
// §14). A nil client is the standard library's, with the proxies of the environment.
func HTTP(address string, client *http.Client) (Mirror, error) {
	base, err := url.Parse(strings.TrimSuffix(address, "/") + "/")
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return Mirror{}, fmt.Errorf("mirror %q is no http or https address", address)
	}
	if client == nil {
		client = &http.Client{}
	}
	careful := *client
	careful.CheckRedirect = redirect
	return Mirror{Name: base.Redacted(), Fetch: func(ctx context.Context, r Request) (Answer, error) {
		return get(ctx, &careful, base.JoinPath(r.Name).String(), r)
	}}, nil
}

// redirect follows a mirror to where its files are, but never off TLS.
func redirect(next *http.Request, before []*http.Request) error {
	switch {
	case len(before) > 5:
		return errors.New("more than 5 redirects")
	case before[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return fmt.Errorf("it leads from https to %s", next.URL.Scheme)
	}
	return nil
}

func get(ctx context.Context, client *http.Client, address string, r Request) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("User-Agent", "plimsoll")
	request.Header.Set("Accept-Encoding", "identity") // so that offsets count the file's own bytes
	if r.Tag != "" {
		request.Header.Set("If-None-Match", r.Tag)
	}
	if r.Offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.Offset))
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Body: response.Body, Tag: response.Header.Get("ETag")}
	switch response.StatusCode {
	case http.StatusOK:
		return answer, nil
	case http.StatusPartialContent:
		if _, err := fmt.Sscanf(response.Header.Get("Content-Range"), "bytes %d-", &answer.Offset); err == nil && answer.Offset == r.Offset {
			return answer, nil
		}
		err = fmt.Errorf("%s: asked for bytes from %d, was given %q", r.Name, r.Offset, response.Header.Get("Content-Range"))
	case http.StatusNotModified:
		response.Body.Close()
		return Answer{Tag: r.Tag, Unchanged: true}, nil
	case http.StatusNotFound, http.StatusGone:
		err = fmt.Errorf("%s: %s: %w", r.Name, response.Status, fs.ErrNotExist)
	default:
		err = fmt.Errorf("%s: the server says %s", r.Name, response.Status)
	}
	response.Body.Close()
	return Answer{}, err
}
