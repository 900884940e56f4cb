package content

import "github.com/palabre-cms/palabre/core"

// appendOnly are the types that say what was done: an entry of them is made by Palabre and stays as it is, whatever the
// rights of those of whom it tells.
func appendOnly(name core.TypeName) bool { return name == "_audit" || name == "_erasure" }

// onlyAppended refuses what would alter such an entry, or make one up. Palabre makes them in the name of who acts, and
// only in its own name it changes them and takes them away, when their time is over.
func (e *edit) onlyAppended() error {
	if !appendOnly(e.typ.Name) || e.who.Kind == core.System.Kind && (e.creates() || e.who.ID == core.System.ID) {
		return nil
	}
	return core.Refuse(core.CodeForbidden, "append_only", "What stands in %s is written by Palabre and stays as it is: nobody adds to it, changes it or deletes it.",
		"Ce qui figure dans %s est écrit par Palabre et reste tel quel : personne ne peut y ajouter, le modifier ou le supprimer.", string(e.typ.Name))
}
