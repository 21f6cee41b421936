"""Causes why a container does not start, or ends: reasons, exit codes and stop codes. General ones are last."""

from fargate_constructs.cli.causes.cause import ECS, REPOST, Cause, causes

STOPPED = f"{REPOST}ecs-task-stopped"
SPOT = f"{ECS}fargate-capacity-providers.html"
# Not the stop code ServiceSchedulerInitiated: it also comes with reasons that are failures.
STOPPED_BY_ECS = r"Scaling activity initiated by|Task stopped by user|UserInitiated"

CONTAINER_CAUSES = causes(
    commandMissing=Cause(
        r"executable file not found|no such file or directory|exec: .*not found|exited with code 127\b",
        "The command of the container does not exist in its image.",
        "The entry point or the command has a wrong path, or a script has Windows line ends.",
        "Run the image with the same command on your computer; correct the command or the Dockerfile.",
        f"{ECS}cannot-start-container.html",
    ),
    commandForbidden=Cause(
        r"permission denied|exited with code 126\b",
        "The command of the container cannot be executed.",
        "The file is not executable, or the container's user may not read it.",
        "Write `RUN chmod +x` in the Dockerfile, or correct the user.",
        f"{ECS}cannot-start-container.html",
    ),
    wrongFormat=Cause(
        r"exec format error",
        "The program in the image is for another processor, or has no first line `#!`.",
        "The image was built on another architecture than the task has.",
        "Build with `docker build --platform linux/amd64` (or linux/arm64), or set the task's cpu_architecture.",
        f"{ECS}ecs-arm64.html",
    ),
    outOfMemory=Cause(
        r"OutOfMemory|OOMKilled|killed due to memory usage",
        "A container used more memory than it has.",
        "Its limit, or that of the task, is too low; or the app loses memory.",
        "Raise memory_limit_mib; look at the memory metric before the end: a steady rise is a leak.",
        f"{ECS}out-of-memory.html",
    ),
    containerUnhealthy=Cause(
        r"failed container health checks",
        "The health check of the container fails.",
        "The command of the check, such as curl, is not in the image; or the app is slower than the start period.",
        "Run the command in a shell in the task; raise start_period.",
        f"{ECS}healthcheck.html",
    ),
    spotInterrupted=Cause(
        r"SpotInterruption|TerminationNotice|Spot Task was interrupted",
        "AWS took the capacity of a Spot task back.",
        "Fargate Spot uses spare capacity. A task gets SIGTERM two minutes before its end.",
        "Handle SIGTERM; give the capacity provider FARGATE a base for tasks that must stay.",
        SPOT,
    ),
    maintenance=Cause(
        r"performing maintenance on the underlying|task retirement|InfrastructureHealth",
        "AWS replaced the host of the task.",
        "Fargate retires tasks for updates and for failing hardware. The service starts another task first.",
        "Do nothing, if there are two tasks or more; handle SIGTERM.",
        f"{ECS}task-maintenance.html",
        is_normal=True,
    ),
    killedAtStop=Cause(
        rf"(?:{STOPPED_BY_ECS}).*exited with code 137\b",
        "A container did not end when ECS stopped it, so it was killed.",
        "It did not handle SIGTERM within stopTimeout (30 s by default, 120 s at most): requests may be cut.",
        "Start the app by the exec form of CMD, so that it gets SIGTERM; handle it; raise stop_timeout.",
        f"{ECS}task_definition_parameters.html",
    ),
    overTime=Cause(
        r"not done after \d+ seconds",  # the reason of the timeouts of jobs, and of `run --timeout`
        "The run of a job was stopped, because it took longer than its timeout.",
        "The work needs more time than the job has, or it waits for something that does not come.",
        "Read the last lines of its log; raise the timeout of the job, or let it do less at a time.",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html",
    ),
    stopped=Cause(
        STOPPED_BY_ECS,
        "The task was stopped on purpose.",
        "A deployment, a scale-in or a person stopped it.",
        "Do nothing.",
        STOPPED,
        is_normal=True,
    ),
    startFailed=Cause(
        r"CannotStartContainer|CannotCreateContainer|ContainerRuntimeError|failed to create (?:shim )?task",
        "A container does not start.",
        "Its command, its user, a mount or its memory is wrong.",
        "Read the end of the text; run the image with the same command on your computer.",
        f"{ECS}cannot-start-container.html",
    ),
    startUnexplained=Cause(
        r"^Task failed to start(?:; stop code \w+)?$",
        "The task did not start, and ECS gives no reason.",
        "ECS sometimes has the reason only in an event of the service, or in the reason of a container.",
        "Look at the causes beside this one; start one task by `aws ecs run-task` and describe it while it starts.",
        f"{ECS}failed-to-start-error.html",
    ),
    startTimeout=Cause(
        r"ContainerRuntimeTimeout|DockerTimeout|timed out after waiting|"
        r"dependency .*(?:timed out|did not|failed)|dependsOn",
        "A container did not start or stop in time.",
        "It, or one that it depends on, did not become ready; or the task has too little CPU.",
        "Read the log of the container that others depend on; raise start_timeout or the CPU.",
        f"{ECS}container-runtime-timeout-error.html",
    ),
    stopFailed=Cause(
        r"CannotStopContainer",
        "A container could not be stopped.",
        "It did not react to SIGTERM, or the host failed.",
        "Handle SIGTERM. ECS replaces the task.",
        f"{ECS}cannot-stop-container.html",
    ),
    inspectFailed=Cause(
        r"CannotInspectContainer",
        "Fargate lost sight of a container.",
        "It is on AWS's side.",
        "Do nothing: ECS starts another task. If it repeats, look at the AWS Health Dashboard.",
        f"{ECS}cannot-inspect-container.html",
    ),
    serviceConnectFailed=Cause(
        r"ecs-service-connect-\w+ exited with code (?!0\b|137\b|143\b)\d+|ecs-service-connect.*unhealthy",
        "The Service Connect proxy of the task ended.",
        "It has too little CPU or memory, or it cannot reach ECS to get its configuration.",
        "Add 256 CPU units and 64 MiB to the task for the proxy; check the route from the subnet to the "
        "endpoints of ECS.",
        f"{ECS}service-connect-concepts-deploy.html",
    ),
    crashed=Cause(
        r"exited with code (?:132|134|135|136|139)\b",
        "A container crashed.",
        "The program stopped with a signal: 139 is a wrong access to memory, 134 an abort, 132 a wrong instruction.",
        "Read the log; look for native libraries that were built for another processor or C library.",
        STOPPED,
    ),
    appFailed=Cause(
        r"exited with code (?!0\b|137\b|143\b)\d+",
        "The app ended with an error.",
        "The program returned an exit code that is not 0, for example after an exception at its start.",
        "Read the last lines of its log, below; check environment variables, secrets and the connection to its data.",
        STOPPED,
    ),
    killed=Cause(
        r"exited with code 137\b",
        "A container was killed.",
        "It used more memory than it has; or it did not end within stopTimeout after another container had ended.",
        "Look at the memory metric; raise memory_limit_mib; handle SIGTERM.",
        STOPPED,
    ),
    ended=Cause(
        r"exited with code 0\b",
        "An essential container ended without an error.",
        "The main process returned: it is a program that ends, or one that goes to the background.",
        "Run the program in the foreground; use a Job for work that ends; mark helpers essential=False.",
        STOPPED,
    ),
    terminated=Cause(
        r"exited with code 143\b",
        "A container ended at SIGTERM.",
        "ECS or another container of the task ended it.",
        "Look for the container or the event that ended first.",
        STOPPED,
    ),
    essentialExited=Cause(
        r"Essential container in task exited|EssentialContainerExited",
        "An essential container of the task ended.",
        "ECS has no exit code of it.",
        "Read the last lines of its log, below.",
        STOPPED,
    ),
)
