package dockerfile

// structure lists the checks that are not about what RUN lines do.
func structure() []Check {
	return []Check{
		latestTag, untaggedBase, unpinnedDigest, constantPlatform, redundantPlatform, untrustedRegistry, undefinedBaseArgument,
		invalidDefaultBase, sdkAsFinalStage, fromFirst, foreignSyntax,
		duplicateStageName, stageNameCasing, asCasing, reservedStageName, instructionCasing, emptyContinuation,
		relativeWorkdir, systemWorkdir,
		addInsteadOfCopy, severalToOneFile, copyFromUnknown, copyFromItself, relativeCopy, copyWholeFilesystem,
		unverifiedAdd, unpinnedGit, ignoredFile, noDockerignore, copiedCredentials, writableCode,
		invalidPort, portCasing, portFormat,
		shellForm, overruledInstruction, stopSignal, maintainer, legacyKeyValue, onbuildTrigger,
		labelKey, labelMissing, labelUnknown, labelEmpty, labelFormat,
		selfReferringEnv, undefinedVariable, secretArgument, secretEnv,
		insecureRun, hostNetworkRun,
	}
}
