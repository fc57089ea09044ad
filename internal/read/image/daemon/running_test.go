package daemon

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// at is an engine that listens at a socket.
func at(t *testing.T, socket string) *Engine {
	t.Helper()
	e, err := newEngine("docker", "Docker", endpoint{host: "unix://" + socket}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRunning(t *testing.T) {
	for _, c := range []struct {
		name, list string
		want       int
		err        string
	}{
		{"two, of which one ended meanwhile", `[{"Id":"a"},{"Id":"gone"},{"Id":"b"}]`, 2, ""},
		{"none", `[]`, 0, ""},
		{"more than are judged", `[` + strings.Repeat(`{"Id":"a"},`, maxRunning) + `{"Id":"a"}]`, 0, "there are 2001"},
		{"one that fails", `[{"Id":"broken"}]`, 0, "inspect container broken: Docker"},
		{"no list", `{}`, 0, "list the containers that run"},
		{"a path for an id", `[{"Id":"../info"}]`, 0, "inspect container ../info: Docker"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /containers/json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.list) })
			mux.HandleFunc("GET /containers/{id}/json", func(w http.ResponseWriter, r *http.Request) {
				switch id := r.PathValue("id"); id {
				case "a", "b":
					fmt.Fprintf(w, `{"Name":"/%s"}`, id)
				case "gone":
					http.Error(w, `{"message":"No such container: gone"}`, http.StatusNotFound)
				default:
					http.Error(w, `{"message":"it is broken"}`, http.StatusInternalServerError)
				}
			})
			mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
				http.Error(w, `{"message":"nobody asks `+r.Method+" "+r.URL.Path+`"}`, http.StatusForbidden)
			})
			socket := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			s := httptest.NewUnstartedServer(mux)
			s.Listener = l
			s.Start()
			defer s.Close()
			all, err := at(t, socket).Running(t.Context())
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || errors.Is(err, ErrAbsent) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || all == nil || len(all) != c.want {
				t.Errorf("%d answers, %v", len(all), err)
			}
		})
	}
}

// TestAbsent parts an engine that is not there from one that lets nobody in.
func TestAbsent(t *testing.T) {
	if _, err := at(t, filepath.Join(t.TempDir(), "none")).Running(t.Context()); !errors.Is(err, ErrAbsent) {
		t.Errorf("no socket: %v", err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := at(t, socket).Running(t.Context()); !errors.Is(err, ErrAbsent) {
		t.Errorf("a socket that somebody left: %v", err)
	}
}
