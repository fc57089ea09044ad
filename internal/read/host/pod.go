package host

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// podFolders are where static pods lie where no kubelet says it: kubeadm's, RKE2's.
var podFolders = []string{"/etc/kubernetes/manifests", "/var/lib/rancher/rke2/agent/pod-manifests"}

// wrappers are the programs that do nothing but start the one among their arguments: kOps has its own logged so.
var wrappers = []string{"go-runner", "kube-log-runner", "tini", "dumb-init", "env", "nice"}

// mount is a folder of the host in a container.
type mount struct{ at, from string }

// staticPods reads the manifests that the kubelet starts by itself.
func (r *reader) staticPods() {
	folders := slices.Clone(podFolders)
	for _, c := range r.all("kubelet") {
		if v := c.Value("pod-manifest-path"); v.Text != "" {
			folders = append(folders, path.Clean(v.Text))
		}
	}
	slices.Sort(folders)
	for _, dir := range slices.Compact(folders) {
		f := r.host.root.look(dir)
		if !f.Is() {
			continue
		}
		if !f.Mode.IsDir() {
			r.staticPod(dir)
			continue
		}
		entries, err := r.host.root.list(dir)
		if err != nil {
			f.Why = cause(err)
			continue
		}
		if len(entries) > maxBelow {
			r.gap(finding.Gap{Class: "limit-reached", What: "there are more static pods than are read", Path: dir})
			entries = entries[:maxBelow]
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".") && !e.IsDir() { // the kubelet reads all others, whatever their ending
				r.staticPod(path.Join(dir, e.Name()))
			}
		}
	}
}

func (r *reader) staticPod(name string) {
	f := r.host.root.lookAs(name, manifest)
	if f.Contents == nil {
		return // it is no file, or one that is told as unread
	}
	for _, d := range f.Contents.Documents {
		for _, c := range FromPod(name, d) {
			r.static(c)
		}
	}
}

// static adds a component of a static pod, or tells the process that it became where its arguments stand. A process of
// that name with other arguments is another one: of a pod that brings a control plane of its own, or of the manifest
// as it was before.
func (r *reader) static(c *Component) {
	c.root = r.host.root
	for _, p := range r.all(c.Name) {
		if p.Process == 0 || p.Manifest != "" || p.defaults != nil || !c.became(p) {
			continue
		}
		p.Manifest, p.Version = c.Manifest, c.Version.or(p.Version)
		for i, f := range p.flags {
			for _, own := range c.flags {
				if own.stands(f) {
					p.flags[i].path, p.flags[i].line = own.path, own.line
				}
			}
		}
		return
	}
	r.host.Components = append(r.host.Components, c)
}

// became says that a process has a manifest's arguments: all of them in their order, or, where a shell puts them
// together, those that are known.
func (c *Component) became(p *Component) bool {
	if len(c.unread) == 0 {
		return slices.EqualFunc(c.flags, p.flags, flag.stands)
	}
	return len(c.flags) > 0 && !slices.ContainsFunc(c.flags, func(own flag) bool { return !slices.ContainsFunc(p.flags, own.stands) })
}

// stands says that a manifest's flag is that of a process, in which variables have their values.
func (f flag) stands(running flag) bool {
	return f.name == running.name && (f.value == running.value || strings.Contains(f.value, "$"))
}

func (v Version) or(other Version) Version {
	if v.Text != "" {
		return v
	}
	return other
}

// FromPod are the components that a pod's containers run: its manifest's, or what the API shows of it.
func FromPod(name string, pod *tree.Value) (all []*Component) {
	if !pod.Get("kind").Is("Pod") {
		return nil
	}
	for _, container := range pod.Get("spec", "containers").Items() {
		words := append(container.Get("command").Items(), container.Get("args").Items()...)
		c := &Component{Manifest: name}
		var texts []string
		for _, w := range words {
			texts = append(texts, w.String())
		}
		c.Name, texts = c.command(texts, container.Get("name").String())
		if c.Name == "" {
			continue
		}
		c.flags = arguments(c.Name, texts)
		for i := range c.flags {
			c.flags[i].path, c.flags[i].line = name, lineOf(words, c.flags[i])
		}
		image := container.Get("image").String()
		image, _, _ = strings.Cut(image, "@")
		c.Version, _ = ParseVersion(image[strings.LastIndexByte(image, ':')+1:], "the image of "+name)
		if c.Name == "etcd" {
			c.env = podEnvironment(container)
		}
		for _, m := range container.Get("volumeMounts").Items() {
			for _, v := range pod.Get("spec", "volumes").Items() {
				if from := v.Get("hostPath", "path").String(); from != "" && v.Get("name").String() == m.Get("name").String() {
					c.mounts = append(c.mounts, mount{path.Clean("/" + m.Get("mountPath").String()), path.Clean("/" + from)})
				}
			}
		}
		all = append(all, c)
	}
	return all
}

// FromMirror are the components of a static pod as the API shows it: its files are on its host.
func FromMirror(origin string, pod *tree.Value) []*Component {
	all := FromPod("", pod)
	for _, c := range all {
		c.Origin, c.Version.From = origin, "the image of "+origin
		for i := range c.flags {
			c.flags[i].line = 0
		}
	}
	return all
}

// IsShell says that a program is a shell, which puts together what it starts.
func IsShell(program string) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "ash"}, path.Base(program))
}

// command is what a container runs, and with which arguments.
func (c *Component) command(words []string, container string) (string, []string) {
	if len(words) == 0 || strings.HasPrefix(words[0], "-") { // the image's own program
		return called(container), words
	}
	name := called(words[0])
	switch {
	case name == "hyperkube" && len(words) > 1:
		if n := called("kube-" + words[1]); n != "" {
			return n, words[2:]
		}
		return called(words[1]), words[2:]
	case name != "":
		return name, words[1:]
	case slices.Contains(wrappers, path.Base(words[0])):
		for i, w := range words {
			if name := called(w); name != "" {
				return name, words[i+1:]
			}
		}
		return "", nil
	case !IsShell(words[0]):
		return "", nil
	}
	script := strings.Fields(strings.ReplaceAll(words[len(words)-1], "\\\n", " "))
	for i, w := range script {
		if n := called(w); n != "" {
			if strings.ContainsAny(words[len(words)-1], "$`;|&<") {
				c.unread = append(c.unread, "a shell puts its arguments together")
			}
			return n, script[i+1:]
		}
	}
	return "", nil
}

func lineOf(words []*tree.Value, f flag) int {
	for _, w := range words {
		text := strings.ReplaceAll(strings.TrimLeft(w.String(), "-"), "_", "-")
		if text == strings.ReplaceAll(f.name+"="+f.value, "_", "-") || text == f.name || w.String() == f.value {
			return w.Line
		}
	}
	return 0
}

func podEnvironment(container *tree.Value) map[string]string {
	var all []string
	for _, e := range container.Get("env").Items() {
		all = append(all, e.Get("name").String()+"="+e.Get("value").String())
	}
	return environment(all)
}

// onHost is where a file of a container that does not run lies on the host.
func (c *Component) onHost(file string) string {
	if c.Process != 0 {
		return file
	}
	file = path.Clean("/" + file)
	best := mount{at: "", from: ""}
	for _, m := range c.mounts {
		if (file == m.at || strings.HasPrefix(file, strings.TrimSuffix(m.at, "/")+"/")) && len(m.at) > len(best.at) {
			best = m
		}
	}
	return best.from + strings.TrimPrefix(file, best.at)
}
