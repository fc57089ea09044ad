package operator

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/deck/background"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// TestForUsers wants an exception for a user not to be called unused where nobody knows who asks.
func TestForUsers(t *testing.T) {
	r := &background.Rules{Book: &statute.Book{Exceptions: map[string]exceptionfile.Exception{"ClusterException/ann": {Users: []string{"ann"}}}}}
	for _, one := range (&conditions{rules: r, place: "ClusterException/ann", looked: true}).list(nil) {
		if one.Type == used && (one.Status != metav1.ConditionUnknown || one.Reason != "ForUsers") {
			t.Errorf("%+v", one)
		}
	}
}

// TestUnknownRule wants an exception that names rules which nobody has to say so: it is not ready where it names no others.
func TestUnknownRule(t *testing.T) {
	place := "ClusterException/a"
	for idle, want := range map[bool]metav1.ConditionStatus{true: metav1.ConditionFalse, false: metav1.ConditionTrue} {
		r := &background.Rules{Book: &statute.Book{
			Exceptions: map[string]exceptionfile.Exception{place: {Rules: []string{"pod/x"}, Until: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)}}, Unknown: map[string]string{place: "it names no rule that there is: pod/x"}, Idle: map[string]bool{place: idle},
		}}
		if got := (&conditions{rules: r, place: place, looked: true}).list(nil)[0]; got.Status != want || got.Reason != "UnknownRule" || !strings.Contains(got.Message, "pod/x") {
			t.Errorf("%+v", got)
		}
	}
}
