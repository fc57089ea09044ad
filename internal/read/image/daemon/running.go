package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Bounds on what an engine is asked of containers that run. Honest answers have some ten kilobytes each.
const (
	maxRunning      = 2000
	maxRunningBytes = 64 << 20
	runningTime     = time.Minute
)

// Running is what the engine answers of each container that runs, in its own words. ErrAbsent says that no engine is there.
// Nothing but /containers/json and /containers/ID/json is asked.
func (e *Engine) Running(ctx context.Context) (all [][]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, runningTime)
	defer cancel()
	var list []struct {
		ID string `json:"Id"`
	}
	if err := e.getJSON(ctx, "/containers/json", &list); err != nil {
		if unheard := (*unheardError)(nil); errors.As(err, &unheard) {
			return nil, fmt.Errorf("%w: %w", ErrAbsent, err) // a socket that somebody left
		}
		return nil, fmt.Errorf("list the containers that run: %w", err)
	}
	if len(list) > maxRunning {
		return nil, fmt.Errorf("list the containers that run: there are %d, and at most %d are judged", len(list), maxRunning)
	}
	all = make([][]byte, 0, len(list))
	size := 0
	for _, c := range list {
		var one json.RawMessage
		err := e.getJSON(ctx, "/containers/"+pathOf(c.ID)+"/json", &one)
		if a := (*answerError)(nil); errors.As(err, &a) && a.status == http.StatusNotFound {
			continue // it ended meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("inspect container %.12s: %w", c.ID, err)
		}
		if size += len(one); size > maxRunningBytes {
			return nil, fmt.Errorf("inspect the containers that run: the answers are larger than the %d MiB that are read", maxRunningBytes>>20)
		}
		all = append(all, one)
	}
	return all, nil
}
