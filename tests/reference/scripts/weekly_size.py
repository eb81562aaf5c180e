"""Size of the trend test of weekly effects under no effect and under a lasting one: counts with a
gamma frailty a customer (NB), V estimated. Rows: (n an arm, weeks, mean a week, dispersion, effect),
then the share of p < .05 and of p < .01. Needs numpy and scipy; takes a minute.

Printed: (50, 8, .3, 1, 0) .0645 .011; (200, 8, .3, 1, 0) .0565 .011; (200, 8, .3, 1, -.2) .0555 .0085;
(2000, 8, .1, 1, 0) .0533 .0083; (500, 26, .1, 1, 0) .0555 .0135.
"""
import numpy as np
from scipy import stats
rng=np.random.default_rng(1)
def run(n,W,mu,phi,eff,R=3000):
    w=np.arange(W); hits=np.zeros(2)
    for _ in range(R):
        def arm(m):
            g=rng.gamma(1/phi,phi,n)[:,None]
            return rng.poisson(m*g*np.ones((n,W)))
        y1,y0=arm(mu*(1+eff)),arm(mu)
        d=y1.mean(0)-y0.mean(0); v=np.cov(y1.T)/n+np.cov(y0.T)/n
        try: vi=np.linalg.inv(v)
        except np.linalg.LinAlgError: continue
        X=np.column_stack([np.ones(W),w]); C=np.linalg.inv(X.T@vi@X); b=C@X.T@vi@d
        p=2*stats.norm.sf(abs(b[1]/C[1,1]**.5)); hits+=[p<.05,p<.01]
    return hits/R
for a in [(50,8,.3,1,0),(200,8,.3,1,0),(200,8,.3,1,-.2),(2000,8,.1,1,0),(500,26,.1,1,0)]: print(a,run(*a,R=2000 if a[0]<2000 else 600))
