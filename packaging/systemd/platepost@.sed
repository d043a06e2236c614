# Makes platepost@.service of platepost.service: one of several posts that share a computer, with folders of its own.
s,^# One post\.,# One of several posts that share a computer.,
s,^Description=.*,& %i,
s,/etc/platepost/,/etc/platepost/posts/%i/,g
s,^StateDirectory=.*,StateDirectory=platepost-posts/%i,
s,^RuntimeDirectory=.*,RuntimeDirectory=platepost-%i,
s,^WorkingDirectory=.*,WorkingDirectory=/run/platepost-%i,
s,^WantedBy=.*,WantedBy=platepost-posts.target,
s,^NoExecPaths=/var/lib/platepost /run/platepost ,NoExecPaths=/var/lib/platepost-posts/%i /run/platepost-%i ,
/^ConditionPathExists/i PartOf=platepost-posts.target
