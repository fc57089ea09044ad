package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

func newCan(g *global) *cobra.Command {
	var o accessOptions
	var groups []string
	cmd := &cobra.Command{
		Use: "can [flags] SUBJECT [TARGET...]", Short: "List what somebody may do, and which binding and role let them", Args: words(1, -1),
		Long: "SUBJECT is user:NAME, group:NAME, sa:NAMESPACE/NAME or node:NAME. An account has the groups that the API server\n" +
			"puts it in; those of a user are given with --group, and system:authenticated is one of them.\n\n" +
			"Exit status: 0, 2 the call is wrong, or nothing knows the subject, 3 not all could be read, so that there may be more.",
		Example: "  plimsoll rbac can sa:shop/cart ./k8s\n  plimsoll rbac can user:ann --group devs\n  plimsoll rbac can node:n1 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate("table", "json"); err != nil {
				return err
			}
			s, err := readSubject(args[0])
			if err != nil {
				return err
			}
			id := s.Identity(groups...)
			o.about = func(g *rbac.Grant) bool { return slices.Contains(id.Subjects(), g.Subject) }
			a, err := o.read(cmd.Context(), g, args[1:], fewKinds())
			if err != nil {
				return err
			}
			if err := knownSubject(g, a.model, s, args[0], "; name its groups with --group where it has any"); err != nil && len(groups) == 0 {
				return a.end(err)
			}
			return a.end(o.rights(g, a, id))
		},
	}
	o.flags(cmd.Flags(), "table or json")
	cmd.Flags().Var(repeated(&groups), "group", "`GROUP` that a user is in; may be repeated")
	return cmd
}

// rights writes all that an identity may do.
func (o *accessOptions) rights(g *global, a *access, id rbac.Identity) error {
	answer := struct {
		User   string   `json:"user,omitempty"`
		Groups []string `json:"groups"`
		Rights []whoRow `json:"rights"`
		Gaps   []string `json:"gaps,omitempty"`
	}{User: id.User, Groups: id.Groups, Rights: []whoRow{}, Gaps: a.gaps}
	rows := [][]string{{"NAMESPACE", "MAY", "BY"}}
	for _, own := range rbac.Beyond(id) {
		row := rowOf(own.Subject, "", own.Reason)
		row.Rule = own.Rule.String()
		answer.Rights = append(answer.Rights, row)
		rows = append(rows, []string{"all", row.Rule, row.because()})
	}
	for _, grant := range a.model.Rights(id) {
		if grant.Role == nil {
			continue
		}
		for i := range grant.Role.Rules {
			row := rowOf(grant.Subject, grant.Namespace, rbac.Reason{Grant: grant, Rule: &grant.Role.Rules[i]})
			by := row.Binding + ", " + row.Role + ", as " + row.Subject
			if grant.Kind == "RoleBinding" {
				if row.Idle = grant.Role.Rules[i].Idle(); len(row.Idle) > 0 {
					by += "; without effect in a RoleBinding: " + strings.Join(row.Idle, ",")
				}
			}
			answer.Rights = append(answer.Rights, row)
			rows = append(rows, []string{row.where(), row.Rule, by})
		}
	}
	return o.answer(g, rows, answer)
}
