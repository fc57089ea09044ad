package catalog

// Gap explains a class of what was not assessed.
type Gap struct {
	Class string
	Means string
	Do    string // what makes it go away
}

// Gaps lists all classes of gap.
func Gaps() []Gap {
	return []Gap{
		{
			"digest-mismatch", "A layer's bytes are not those that the manifest or the configuration names.",
			"Do not run the image: fetch or export it again, and find out who changed it.",
		},
		{
			"distribution-package", "A program on a host is a package of its distribution, which mends it under versions of its own: upstream's advisories do not speak of it.",
			"Scan the host's packages, too: plimsoll scan --as rootfs /",
		},
		{
			"feed-date", "Versions of a host's or a cluster's programs were held against advisories as old as is said; what was told since is not known.",
			"Fetch or build a newer database (plimsoll db update, plimsoll db build).",
		},
		{
			"feed-partial", "The database's feed for this kind of package does not claim to be whole, and has nothing on the package. It may well be vulnerable.",
			"Build or fetch a database from whole feeds (plimsoll db build, plimsoll db update), or accept it: --allow-gap feed-partial.",
		},
		{
			"foreign-layer", "A layer is not distributed with the image; its bytes lie at another address, which is never fetched.",
			"Scan the base image where it is licensed, then accept it: --allow-gap foreign-layer.",
		},
		{
			"incomplete-sbom", "A document says that its list of packages is not whole, or leaves out what an image would tell.",
			"Scan what it was made of, or make it again with what was missing.",
		},
		{
			"inconclusive-probe", "Whether the cluster's network does what policies say was tried, or was to be, and is not known: the pods did not come to run, did not reach each other without a policy either, or something else was in the way.",
			"Do what the message says, and probe again: plimsoll cluster probe --network.",
		},
		{"interrupted", "The scan was stopped before all layers were read.", "Run it again."},
		{
			"large-text", "A text is so large that only its beginning was searched for secrets.",
			"Look at what is named: logs and dumps of databases do not belong in an image.",
		},
		{
			"limit-reached", "Something is larger, deeper or more than an honest image has, and was not read to its end.",
			"Look at what is named; accept it with --allow-gap limit-reached only if it is known to be harmless.",
		},
		{
			"no-component", "On a host nothing was found that could be judged: no program of Kubernetes, no container engine, and no file of one.",
			"See that it is the right root (--root), and that processes can be seen: run as root, in the host's PID namespace.",
		},
		{
			"no-database", "The image names its system, but holds no list of the system's packages that is read: it was removed, or the system is another one (Windows, Arch).",
			"Keep the package manager's database in the image, or accept it where nothing of the distribution is left: --allow-gap no-database.",
		},
		{
			"no-feed", "There are no advisories for this kind of package or this release of the distribution.",
			"Use a release that its distribution publishes advisories for, or accept it: --allow-gap no-feed.",
		},
		{
			"no-known-fix", "Advisories name no version of a program that is free of the fault, so that they cannot be held against its version.",
			"Read what is named (plimsoll explain ID): some hang on settings, others were mended under another name.",
		},
		{
			"no-lock-file", "A project names its dependencies, and no lock file says which versions it gets, nor which others come with them.",
			"Commit the lock file that the package manager writes (package-lock.json, poetry.lock, Cargo.lock), pin requirements, scan the image that is built of it, or accept it: --allow-gap no-lock-file.",
		},
		{
			"no-packages", "Not one package was found, so that there was nothing to look up: the target is empty, or what is in it carries no metadata that is read.",
			"See that it is the right target; where it is known what it holds, accept it: --allow-gap no-packages.",
		},
		{
			"no-pod", "Who reaches whom was asked of something that has no pod, and nothing that makes pods.",
			"Name the folder that has them, or leave TARGET out: the cluster is asked then.",
		},
		{
			"no-role", "Who may do what was asked of something that has no role and no binding.",
			"Name the folder that has them, or leave TARGET out: the cluster is asked then.",
		},
		{
			"not-in-effect", "Configuration on a host lies where its program does not read it, and was not counted.",
			"Do what the message says, and look again.",
		},
		{
			"not-rendered", "A Helm chart or a Kustomize overlay could not be rendered, so that nothing of what it makes was judged.",
			"Do what the message says: give values (--values), fetch dependencies, install plimsoll-render beside plimsoll.",
		},
		{
			"not-visible", "A control plane or a kubelet, or a part of one, shows nothing of how it is set: it is managed by a provider, or this account may not ask. Or the Docker that is named is another machine's.",
			"Scan its hosts with plimsoll node scan, ask the provider, or give the account the right that is named.",
		},
		{
			"other-file", "A file takes services from another one that is not read with it.",
			"Scan that file, too, or the folder that holds both.",
		},
		{
			"other-release", "A package comes from a newer release of the distribution, or from its backports, or such a repository is in use. It was compared with the advisories of the release that the image names, which do not know it.",
			"Use the release's own package, or accept it: --allow-gap other-release.",
		},
		{
			"other-shell", "A RUN line or a step is written for a shell that is not read: PowerShell, cmd, Python and the like.",
			"Nothing; look at it yourself.",
		},
		{"own-code", "The project itself: advisories speak of published packages, not of one's own code.", "Nothing."},
		{
			"packed-program", "A program is compressed (UPX), so that what it is made of cannot be read.",
			"Ship it uncompressed, or accept it: --allow-gap packed-program.",
		},
		{
			"platform-missing", "An index names a platform whose image is not here, or not all of it.",
			"Pull that platform, or name the one that is here with --platform.",
		},
		{
			"policy-not-assessed", "An admission policy would have to know what nobody here does: a namespace's labels, a parameter, what somebody may do, or what the API server fills into an object.",
			"Give the objects that are named beside the others (with --whole where they are all that there is), or accept it: --allow-gap policy-not-assessed.",
		},
		{
			"skipped", "Files were passed over because the call asked for it: packages that they belong to are not listed.",
			"Leave --skip out where they should be looked at.",
		},
		{
			"template", "A file holds a template of objects, which is no YAML until values are put in.",
			"Scan the folder that has its Chart.yaml, or what is made of it: helm template CHART | plimsoll scan --as manifest -",
		},
		{
			"third-party", "The package was made by a vendor other than the distribution, whose advisories do not cover it.",
			"Ask the vendor for advisories or VEX, or accept it: --allow-gap third-party.",
		},
		{
			"unanswered-probe", "A port took a question and gave no answer that is understood, or not in time: what it would let whom do is not known.",
			"See what is said of it; ask again, with more time (--timeout), or say what listens there (SERVICE=ADDRESS:PORT).",
		},
		{
			"unbuilt-image", "A policy on an image's configuration asks of a Dockerfile what its base image or the call of the build decides.",
			"Say it in the Dockerfile (USER, say), build the image and scan that, or accept it: --allow-gap unbuilt-image.",
		},
		{
			"unknown-distribution", "The image does not say which distribution it is, so that its OS packages cannot be matched.",
			"Keep /usr/lib/os-release in the image.",
		},
		{
			"unknown-fact", "A check would have to know something that is written nowhere in what was scanned: what a volume claim is bound to, say. It neither passed nor failed there.",
			"Scan what holds it in the same call: the file of the claim, or a dump of the cluster.",
		},
		{
			"unknown-kind", "Objects are of kinds that are not Kubernetes' own, and nothing in them has the shape of a pod.",
			"Nothing, where they make no pods; else scan the pods or workloads that their controller makes of them.",
		},
		{
			"unknown-module", "A package comes from an rpm module stream, and the feed has a fix for a stream that it does not name.",
			"Look the advisory up at its distribution, or accept it: --allow-gap unknown-module.",
		},
		{
			"unknown-source", "Packages do not say which source package they were built from, which advisories speak of.",
			"Keep dpkg's own status file, or accept it: --allow-gap unknown-source.",
		},
		{
			"unknown-version", "A package has no version, or one that its ecosystem cannot order.",
			"Build with a version (for Go: from a tagged checkout), or accept it: --allow-gap unknown-version.",
		},
		{
			"unmatched-source", "A dependency comes from a repository or another registry, of which no advisories speak.",
			"Use a published version, or accept it: --allow-gap unmatched-source.",
		},
		{
			"unreachable-target", "One of several targets could not be opened: its engine or registry did not answer, or refused; or no port of a host did.",
			"See the message, and run again when it answers.",
		},
		{
			"unreached-port", "Ports of a host say nothing to who connects: a packet filter keeps this machine from them. What listens there was not asked.",
			"Nothing, where only other machines than this are to reach them; else ask from one of those.",
		},
		{
			"unread-kind", "Objects of a kind could not be read of a cluster: this account may not, or the API server did not answer. What they are is not known.",
			"Give the account the right that is named (deploy/cluster/role.yaml has all of them), select what it may read with --kinds and --namespace, or accept it: --allow-gap unread-kind.",
		},
		{
			"unread-script", "What a RUN line or a step hands to its shell could not be read, so that nothing is known of what it does.",
			"See the message: the shell may well refuse it, too. Accept it with --allow-gap unread-script.",
		},
		{"unreadable-database", "A package manager's database could not be read.", "See the message: the image may be corrupt, or this user may not read the file."},
		{"unreadable-file", "A file could not be read, or is not what its name says.", "See the message: mend it, or run with the rights to read it; a scan of files can skip it by name: --skip PATH."},
		{"unreadable-layer", "A layer, or a part of a root file system, could not be read to its end.", "Fetch or export the image again; read a root file system with the rights that it wants."},
		{"unreadable-package", "A package's own metadata could not be read.", "See the message; skip it by name if it is a test file: --skip PATH."},
		{
			"unreadable-provenance", "The provenance that lies beside an image could not be read, so that it does not tell the base image.",
			"Name the base with --base, or fetch the image again.",
		},
	}
}

// FindGap returns a class of gap by its name.
func FindGap(class string) (Gap, bool) {
	for _, g := range Gaps() {
		if g.Class == class {
			return g, true
		}
	}
	return Gap{}, false
}
