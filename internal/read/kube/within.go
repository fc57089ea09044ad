package kube

// Within is where a line and a column of a text stand, in the file, that a field holds: of an expression, say, that is
// written in a manifest. Both count from 1. Of a folded text, and of one with escapes, it is where the text begins.
func (o *Object) Within(field string, line, column int) (atLine, atColumn int) {
	s := o.Source
	atLine, atColumn = s.position(field)
	if s.written == nil {
		return atLine, atColumn
	}
	switch v := s.written.values().Find(s.prefix + field); {
	case v == nil || !v.Scalar || v.Folded:
	case v.Block:
		return s.line + v.Line - 1 + line, column // within the text, which is indented
	case line == 1 && v.Quoted:
		return s.line + v.Line - 1, v.Column + column
	case line == 1:
		return s.line + v.Line - 1, v.Column + column - 1
	}
	return atLine, atColumn
}
