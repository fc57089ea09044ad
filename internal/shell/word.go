package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// word resolves the quotes of a word. Commands in it are walked, and count as commands of the script.
func (w *walker) word(of *syntax.Word, in Where) Word {
	if of == nil {
		return Word{Known: true}
	}
	offset := int(of.Pos().Offset())
	out := Word{Pos: w.src.At(offset), Known: true, offset: offset}
	var b strings.Builder
	w.parts(&b, &out, of.Parts, in)
	out.Text = b.String()
	return out
}

func (w *walker) parts(b *strings.Builder, out *Word, parts []syntax.WordPart, in Where) {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unescape(p.Value, false))
		case *syntax.SglQuoted:
			out.Quoted = true
			if p.Dollar {
				b.WriteString(ansi(p.Value))
			} else {
				b.WriteString(p.Value)
			}
		case *syntax.DblQuoted:
			out.Quoted = true
			w.quoted(b, out, p.Parts, in)
		default:
			w.unknown(b, out, p, in)
		}
	}
}

func (w *walker) quoted(b *strings.Builder, out *Word, parts []syntax.WordPart, in Where) {
	for _, p := range parts {
		if lit, ok := p.(*syntax.Lit); ok {
			b.WriteString(unescape(lit.Value, true))
			continue
		}
		w.unknown(b, out, p, in)
	}
}

// unknown writes an expansion as it stands in the text.
func (w *walker) unknown(b *strings.Builder, out *Word, p syntax.WordPart, in Where) {
	out.Known = false
	from, to := int(p.Pos().Offset()), int(p.End().Offset())
	if from <= to && to <= len(w.src.Text) {
		b.WriteString(w.src.Text[from:to])
	}
	switch p := p.(type) {
	case *syntax.CmdSubst:
		out.From = append(out.From, w.substitution(p.Stmts, in)...)
	case *syntax.ProcSubst:
		found := w.substitution(p.Stmts, in)
		if p.Op == syntax.CmdIn {
			out.From, out.File = append(out.From, found...), true
		}
	case *syntax.ParamExp:
		if p.Exp != nil && p.Exp.Word != nil { // ${x:-$(…)}
			inner := w.word(p.Exp.Word, in)
			out.From = append(out.From, inner.From...)
		}
	}
}

func (w *walker) substitution(all []*syntax.Stmt, in Where) []*Command {
	joined := w.joined
	found := w.stmts(all, in&^InPipe|InSubstitution)
	w.joined = joined
	return found
}

// unescape drops backslashes as the shell does: all of them outside of quotes, those before a special
// character in double quotes, and the end of a line in both.
func unescape(s string, quoted bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		next := s[i+1]
		switch {
		case next == '\n':
			i++
		case !quoted || strings.IndexByte("$`\"\\", next) >= 0:
			b.WriteByte(next)
			i++
		default:
			b.WriteByte('\\')
		}
	}
	return b.String()
}

// ansi resolves the escapes of $'…' that matter to names and paths.
func ansi(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\'`, "'", `\"`, `"`).Replace(s)
}
