package lore

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// place is a registry that can be away, or hang.
type place struct {
	asked       atomic.Int64
	err         error
	hangs       bool
	index       string
	lastAskedOf string
}

func (p *place) open(ctx context.Context, reference string) ([]*image.Image, error) {
	p.asked.Add(1)
	p.lastAskedOf = reference
	if p.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if p.err != nil {
		return nil, p.err
	}
	return []*image.Image{{Digest: "sha256:m", IndexDigest: p.index, Config: image.Config{User: "70", Volumes: []string{"/data"}}}}, nil
}

func (p *place) want(t *testing.T, b *Book[Facts], reference, digest, err string, asked int64) {
	t.Helper()
	f, wrong := b.Look(context.Background(), "", reference)
	if f.Digest != digest || (wrong == nil) != (err == "") || wrong != nil && !strings.Contains(wrong.Error(), err) {
		t.Errorf("%s: %q, %v; want %q, %q", reference, f.Digest, wrong, digest, err)
	}
	if got := p.asked.Load(); got != asked {
		t.Errorf("%s: the registry was asked %d times, want %d", reference, got, asked)
	}
}

func TestLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{index: "sha256:i"}
		b := New(OfImages(p.open), time.Now)
		p.want(t, b, "nginx", "sha256:i", "", 1)
		p.want(t, b, "docker.io/library/nginx:latest", "sha256:i", "", 1)
		if p.lastAskedOf != "docker.io/library/nginx:latest" {
			t.Errorf("it asked of %q", p.lastAskedOf)
		}
		time.Sleep(Fresh)
		p.index = ""
		p.want(t, b, "nginx", "sha256:m", "", 2)

		// Away: what was said last holds, and the host is left in peace.
		time.Sleep(Fresh)
		p.err = &image.DownError{Err: errors.New("connection refused")}
		p.want(t, b, "nginx", "sha256:m", "", 3)
		p.want(t, b, "nginx", "sha256:m", "", 3)
		p.want(t, b, "redis", "", "did not answer a moment ago", 3)
		time.Sleep(rest)
		p.want(t, b, "redis", "", "connection refused", 4)
		p.want(t, b, "redis", "", "connection refused", 4)
		time.Sleep(stale)
		p.want(t, b, "nginx", "", "connection refused", 5)

		// It says no: of that image it is not asked again at once, of others it is.
		time.Sleep(rest)
		p.err = &image.NotFoundError{Name: "none"}
		p.want(t, b, "r.example/none", "", "none", 6)
		p.want(t, b, "r.example/none", "", "none", 6)
		p.err = nil
		p.want(t, b, "r.example/one", "sha256:m", "", 7)
		time.Sleep(refusal)
		p.want(t, b, "r.example/none", "sha256:m", "", 8)
		p.want(t, b, "Not An Image", "", "names no image", 8)

		// It took an image back, or lets nobody read it any more: what it said before holds no longer, also when it is away
		// later on.
		for i, says := range []error{&image.NotFoundError{Name: "one"}, errors.New("registry r.example lets nobody read")} {
			name := fmt.Sprintf("r.example/gone:%d", i)
			p.err = nil
			p.want(t, b, name, "sha256:m", "", int64(9+i*3))
			time.Sleep(Fresh)
			p.err = says
			p.want(t, b, name, "", says.Error(), int64(10+i*3))
			time.Sleep(refusal)
			p.err = &image.DownError{Err: errors.New("connection refused")}
			p.want(t, b, name, "", "connection refused", int64(11+i*3))
			time.Sleep(rest)
		}
	})
}

// TestHang wants one that hangs to be waited for once, by all, and not for longer than is said.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{hangs: true}
		b := New(OfImages(p.open), time.Now)
		begin := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := b.Look(context.Background(), "", "r.example/a:1"); err == nil || !strings.Contains(err.Error(), "within 1s") {
					t.Errorf("it says %v", err)
				}
			})
		}
		all.Wait()
		p.want(t, b, "r.example/b:1", "", "a moment ago", 1)
		if took := time.Since(begin); took != Wait {
			t.Errorf("it took %s", took)
		}
		ctx, cancel := context.WithTimeout(context.Background(), Wait/10)
		defer cancel()
		if _, err := b.Look(ctx, "", "other.example/a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who has less time: %v", err)
		}
		time.Sleep(Wait)
	})
}

// TestBreaks wants neither an index that lists nothing nor whatever breaks on the way to end the program.
func TestBreaks(t *testing.T) {
	none := New(OfImages(func(context.Context, string) ([]*image.Image, error) { return nil, nil }), time.Now)
	if _, err := none.Look(t.Context(), "", "r.example/a:1"); err == nil || !strings.Contains(err.Error(), "lists no image") {
		t.Errorf("nothing is listed: %v", err)
	}
	breaks := New(OfImages(func(context.Context, string) ([]*image.Image, error) { panic("a fault of ours") }), time.Now)
	if _, err := breaks.Look(t.Context(), "", "r.example/a:1"); err == nil || !strings.Contains(err.Error(), "broke: a fault of ours") {
		t.Errorf("it breaks: %v", err)
	}
}

// TestOneOfMany wants a registry that hangs not to keep others from being asked.
func TestOneOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(OfImages(func(ctx context.Context, reference string) ([]*image.Image, error) {
			if strings.HasPrefix(reference, "hangs.example/") {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []*image.Image{{Digest: "sha256:m"}}, nil
		}), time.Now)
		for i := range 2 * mostAt {
			go func() { _, _ = b.Look(context.Background(), "", fmt.Sprintf("hangs.example/a:%d", i)) }()
		}
		synctest.Wait()
		begin := time.Now()
		if _, err := b.Look(context.Background(), "", "r.example/a:1"); err != nil || !time.Now().Equal(begin) {
			t.Errorf("another: %v after %s", err, time.Since(begin))
		}
		time.Sleep(2 * Wait)
	})
}

// TestBound asks about more images than are kept.
func TestBound(t *testing.T) {
	p := &place{}
	b := New(OfImages(p.open), func() time.Time { return time.Unix(1, 0) })
	for i := range 3 * mostKept {
		_, _ = b.Look(context.Background(), "", "r.example/first:1")
		_, _ = b.Look(context.Background(), "", fmt.Sprintf("r.example/a:%d", i))
	}
	if n := len(b.pages) + len(b.before); n > 2*mostKept {
		t.Errorf("it keeps %d", n)
	}
	if asked := p.asked.Load(); asked != 3*mostKept+1 {
		t.Errorf("what is asked about again and again was forgotten: %d", asked)
	}
}

// TestRegistry asks a registry, and goes on when it is gone.
func TestRegistry(t *testing.T) {
	for _, name := range []string{"HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(name, t.TempDir())
	}
	l := imagetest.New()
	index := l.AddIndex(false, l.Add(imagetest.Image{
		Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}, Config: map[string]any{"User": "70:70", "Volumes": map[string]any{"/data": map[string]any{}}},
	}))
	l.Tag("shop/cart:1", index)
	s := httptest.NewServer(imagetest.Registry())
	l.Push(t, s.URL)
	now := time.Now()
	b := New(OfImages(func(ctx context.Context, reference string) ([]*image.Image, error) {
		return registry.Open(ctx, reference, registry.Options{})
	}), func() time.Time { return now })
	cart := strings.TrimPrefix(s.URL, "http://") + "/shop/cart:1"
	want := Facts{Digest: index.Digest, User: "70:70", Volumes: []string{"/data"}}
	if f, err := b.Look(t.Context(), "", cart); err != nil || !reflect.DeepEqual(f, want) {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := b.Look(t.Context(), "", strings.Replace(cart, "cart", "none", 1)); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("what is not there: %v", err)
	}
	s.Close()
	now = now.Add(time.Hour)
	if f, err := b.Look(t.Context(), "", cart); err != nil || !reflect.DeepEqual(f, want) {
		t.Errorf("gone: %+v, %v", f, err)
	}
	if _, ok := b.away[strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/")]; !ok {
		t.Error("nobody remembers that it is gone")
	}
}
