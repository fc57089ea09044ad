package directory

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"
)

// entry is one decision as the log has it. Neither passwords nor tokens stand in it; a token is named by its id, which
// Kubernetes' audit log has too.
type entry struct {
	Time     time.Time `json:"time"`
	Action   string    `json:"action"` // login, logout, or review of a token that does not hold
	Result   string    `json:"result"`
	Why      string    `json:"why,omitempty"`
	Address  string    `json:"address"`
	Typed    string    `json:"typed,omitempty"` // the name that was given, where somebody has it
	User     string    `json:"user,omitempty"`
	Audience string    `json:"audience,omitempty"`
	Token    string    `json:"token,omitempty"`
	Groups   int       `json:"groups,omitempty"`
	Left     int       `json:"left,omitempty"` // groups that are not passed on
}

// journal writes entries, one after another: who comes in waits for it.
type journal struct {
	mu sync.Mutex
	to io.Writer
}

func (j *journal) write(e *entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return json.NewEncoder(j.to).Encode(e)
}

func cut(s string) string {
	const most = 253
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}
