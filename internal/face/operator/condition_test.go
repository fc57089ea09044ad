package operator

import (
	"testing"

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
