package check

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// oldTrivy are the ids that Trivy's checks had before: AVD-DS-0002 and DS002 are DS-0002 now.
var oldTrivy = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(ds|ksv|kcv)-?(\d{3,4})$`) })

// Present is a rule's id as ids are compared, TOOL/ID or ID alone: in lower case, and Trivy's by its present name.
func Present(rule string) string {
	key := strings.ToLower(rule)
	tool, id := "", key
	if slash := strings.IndexByte(key, '/'); slash >= 0 {
		tool, id = key[:slash+1], key[slash+1:]
	}
	if tool != "" && tool != "trivy/" {
		return key
	}
	if m := oldTrivy().FindStringSubmatch(strings.TrimPrefix(id, "avd-")); m != nil {
		return fmt.Sprintf("%s%s-%04s", tool, m[1], m[2])
	}
	return key
}
