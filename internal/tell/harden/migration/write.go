package migration

import (
	"bytes"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
)

// Labels put a namespace under a level, as the newest version that is known has it. Applied, they leave all else of the
// namespace as it is.
func Labels(namespace string, level standard.Level) *corev1.Namespace {
	return &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{
			"pod-security.kubernetes.io/enforce":         string(level),
			"pod-security.kubernetes.io/enforce-version": standard.Newest().String(),
		}},
	}
}

// Write is objects as documents of YAML, for kubectl apply.
func Write(objects ...any) ([]byte, error) {
	var all bytes.Buffer
	for i, o := range objects {
		b, err := json.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("write %T: %w", o, err)
		}
		var fields map[string]any
		if err := json.Unmarshal(b, &fields); err != nil {
			return nil, fmt.Errorf("write %T: %w", o, err)
		}
		delete(fields, "status") // which is the server's
		if b, err = yaml.Marshal(fields); err != nil {
			return nil, fmt.Errorf("write %T: %w", o, err)
		}
		if i > 0 {
			all.WriteString("---\n")
		}
		all.Write(b)
	}
	return all.Bytes(), nil
}
