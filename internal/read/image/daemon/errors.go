package daemon

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"syscall"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// why takes the method and the address from an error of the way to an engine, and says what to do.
func (e *Engine) why(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	named := ""
	if e.endpoint.from != "" {
		named = " " + e.endpoint.from + " names it"
	}
	var authority x509.UnknownAuthorityError
	var ssh *sshError
	switch {
	case errors.As(err, &ssh):
		return ssh
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("there is no ssh here to reach it with")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("it does not answer: is %s hanging?%s", e.title, named)
	case errors.Is(err, fs.ErrPermission):
		return errors.New("this user may not use the socket: run as root or as a member of its group")
	case errors.Is(err, fs.ErrNotExist):
		return &unheardError{fmt.Sprintf("there is no such socket: is %s running?%s", e.title, named), err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &unheardError{fmt.Sprintf("nobody listens there: is %s running?%s", e.title, named), err}
	case errors.As(err, &authority):
		return fmt.Errorf("its certificate is signed by an authority that is not known here: put ca.pem where %s", e.authorities())
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"): // net/http has no type for it
		return errors.New("it speaks without TLS: unset DOCKER_CERT_PATH and DOCKER_TLS_VERIFY")
	}
	return err
}

// unheardError says that nobody is there to be asked.
type unheardError struct {
	text string
	err  error
}

func (e *unheardError) Error() string { return e.text }

func (e *unheardError) Unwrap() error { return e.err }

// authorities is where an engine's own authority is named. That its certificate is not to be verified
// at all, as a context may say, is not heard.
func (e *Engine) authorities() string {
	if e.endpoint.context {
		return "the context has it (docker context update --docker ca=FILE)"
	}
	return "DOCKER_CERT_PATH points"
}

// answerError is an engine's refusal.
type answerError struct {
	status          int
	message, engine string
}

func (e *answerError) Error() string { return fmt.Sprintf("%s answers: %.500s", e.engine, e.message) }

func (e *Engine) refusal(res *http.Response) error {
	var said struct{ Message string }
	b, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	_ = json.Unmarshal(b, &said)
	switch text := strings.TrimSpace(string(b)); {
	case said.Message != "":
	case text == "" || strings.HasPrefix(text, "<"):
		said.Message = res.Status
	case strings.Contains(text, "HTTP request to an HTTPS server"):
		said.Message = "it speaks TLS: DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH name the certificates"
	default:
		said.Message = text
	}
	err := &answerError{status: res.StatusCode, message: said.Message, engine: e.String()}
	if res.StatusCode >= http.StatusInternalServerError {
		return &image.DownError{Err: err}
	}
	return err
}
