package directory

import (
	"errors"
	"fmt"
	"net/http"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/face/directory/token"
	read "github.com/plimsoll/plimsoll/internal/read/directory"
)

// credential is the extra by which the audit log names the token that was shown, as it does for service accounts.
const credential = "authentication.kubernetes.io/credential-id"

func (s *Server) review(w http.ResponseWriter, r *http.Request) {
	if s.o.ClientCA != nil && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
		s.meters.decisions.WithLabelValues("review", "stranger").Inc()
		reply(w, http.StatusForbidden, Trouble{"only who shows a certificate of --client-ca may ask for reviews"})
		return
	}
	var q authenticationv1.TokenReview
	if status, err := decode(w, r, &q); err != nil {
		s.meters.decisions.WithLabelValues("review", "malformed").Inc()
		reply(w, status, Trouble{err.Error()})
		return
	}
	if q.APIVersion != "authentication.k8s.io/v1" || q.Kind != "TokenReview" {
		s.meters.decisions.WithLabelValues("review", "malformed").Inc()
		reply(w, http.StatusBadRequest, Trouble{"only TokenReview of authentication.k8s.io/v1 is answered: have --authentication-token-webhook-version=v1"})
		return
	}
	answer := authenticationv1.TokenReview{TypeMeta: metav1.TypeMeta{APIVersion: q.APIVersion, Kind: q.Kind}}
	answer.Status = s.whose(r, &q.Spec)
	reply(w, http.StatusOK, &answer)
}

// whose says whose token it is. What is none of ours is nobody's without an error: somebody else may know.
func (s *Server) whose(r *http.Request, q *authenticationv1.TokenReviewSpec) (status authenticationv1.TokenReviewStatus) {
	audiences := s.o.Audiences
	if len(q.Audiences) > 0 {
		audiences = q.Audiences
	}
	line := entry{Action: "review", Address: r.RemoteAddr}
	refuse := func(result string, err error) {
		s.meters.decisions.WithLabelValues("review", result).Inc()
		status = authenticationv1.TokenReviewStatus{Error: err.Error()}
		line.Time, line.Result, line.Why = s.o.Now().UTC(), result, cut(err.Error())
		if err := s.journal.write(&line); err != nil {
			s.meters.troubles.WithLabelValues("log").Inc()
		}
	}
	c, err := s.o.Mint.Verify(r.Context(), q.Token, audiences)
	if errors.Is(err, token.ErrForeign) {
		s.meters.decisions.WithLabelValues("review", "foreign").Inc()
		return status
	}
	if err != nil {
		refuse("refused", err)
		return status
	}
	line.User, line.Token, line.Audience = c.Name, c.ID, c.Audience
	p, err := s.people.get(r.Context(), c.Person)
	switch {
	case errors.Is(err, read.ErrGone) || errors.Is(err, read.ErrRefused):
		refuse("refused", fmt.Errorf("whose token it is may not sign in any more: %w", err))
	case err != nil:
		s.meters.troubles.WithLabelValues("directory").Inc()
		s.o.Note.Error("ask the directory whose token it is", "error", err)
		refuse("failed", errors.New("the directory cannot be asked whose token it is: see the server's log"))
	case p.Out != "":
		refuse("refused", fmt.Errorf("whose token it is may not sign in any more: %s", p.Out))
	case p.Name != c.Name:
		refuse("refused", errors.New("whose token it is has another name now, and is to sign in again"))
	default:
		s.meters.decisions.WithLabelValues("review", "ok").Inc()
		status.Authenticated, status.Audiences = true, []string{c.Audience}
		status.User = authenticationv1.UserInfo{
			Username: p.Name, UID: p.ID, Groups: p.Groups,
			Extra: map[string]authenticationv1.ExtraValue{credential: {"JTI=" + c.ID}},
		}
	}
	return status
}
